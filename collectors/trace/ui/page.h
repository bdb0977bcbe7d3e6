/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page: the attribution live, or frozen as one file that needs no network and no server.
 *
 * Live, it is three resources (page, style, script) beside `data.json`, which it fetches once a second, and the
 * flame graphs `flame-KIND.svg`. Frozen, everything is inside. All strings of the target go in as JSON and are shown as text, never as
 * markup.
 */
#ifndef MEMLAB_TRACE_UI_PAGE_H
#define MEMLAB_TRACE_UI_PAGE_H

#include <stdio.h>

#include "../export/history.h"
#include "../export/views.h"

extern const char page_html[], page_style[], page_script[];

/*
 * What the page shows: {"trace": the document of --json, "history": {...}, "flames": the kinds there are}.
 * 0 or -EIO.
 */
int page_data(FILE *file, const struct story *story, const struct history *history);

/* The page frozen, with every flame graph there is. 0, -ENOMEM or -EIO. */
int page_frozen(FILE *file, const struct story *story, const struct history *history);

#endif
