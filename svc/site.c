/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sites, and the places where they are used. */
#include "site.h"

const struct site site_table[SITE_COUNT] = {
#define SITE(name, kind, path, why) {#name, kind, path, why},
#include "sites.def"
};

extern const struct site_place __start_memlab_sites[], __stop_memlab_sites[];

const struct site_place *site_places(size_t *count)
{
	*count = (size_t)(__stop_memlab_sites - __start_memlab_sites);
	return __start_memlab_sites;
}
