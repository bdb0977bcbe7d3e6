/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One copy per distinct string while an index is built: a set of strings that lie in the index already. Plain malloc
 * memory; it does not keep its strings alive, the records that use them do. One thread.
 */
#ifndef MEMLAB_SVC_INTERN_H
#define MEMLAB_SVC_INTERN_H

#include "record.h"

struct intern;

/* NULL on lack of memory. */
struct intern *intern_create(void);
void intern_destroy(struct intern *intern); /* NULL allowed */

/* The bytes of an equal string that was added, or NULL. */
const char *intern_find(const struct intern *intern, struct slice string);
/* `string` lies in the index. When the set is full the string is forgotten: it is merely stored twice then. */
void intern_add(struct intern *intern, struct slice string);

#endif
