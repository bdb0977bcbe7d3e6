/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation sites. The service allocates through these macros only, which take the name of a site of sites.def: an
 * allocation without one does not compile. Each use leaves its file, line and function in
 * a section of the program, from which site_places reads them: the counterpart of a compiler's escape report.
 */
#ifndef MEMLAB_SVC_SITE_H
#define MEMLAB_SVC_SITE_H

#include "heap/gc.h"
#include "heap_profile.h"

enum site_id {
#define SITE(name, kind, path, why) SITE_##name,
#include "sites.def"
	SITE_COUNT
};

struct site {
	const char *name, *kind, *path, *why;
};
extern const struct site site_table[SITE_COUNT];

/* Where a site is used. Constant. */
struct site_place {
	uint64_t site;
	uint64_t line;
	const char *file, *function;
};
/* All uses, in the order of the linker. */
const struct site_place *site_places(size_t *count);

#define SITE_USE_(name)                            \
	static const struct site_place site_place_ \
		__attribute__((section("memlab_sites"), used)) = {SITE_##name, __LINE__, __FILE__, __func__}

/* `p` as it came from the heap; it may become a sample of the heap profile. */
static inline void *site_sampled_(struct gc_mutator *m, void *p, uint32_t site)
{
	if (heap_profile_due(m))
		heap_profile_take(m, p, site);
	return p;
}

/* [safepoint] One object of a kind; `count` elements of a kind; raw bytes. */
#define SITE_ALLOC(m, kind, name)                                                    \
	({                                                                           \
		SITE_USE_(name);                                                     \
		site_sampled_((m), gc_alloc((m), (kind), SITE_##name), SITE_##name); \
	})
#define SITE_ALLOC_ARRAY(m, kind, count, name)                                                      \
	({                                                                                          \
		SITE_USE_(name);                                                                    \
		site_sampled_((m), gc_alloc_array((m), (kind), (count), SITE_##name), SITE_##name); \
	})
#define SITE_ALLOC_BYTES(m, bytes, name)                                                    \
	({                                                                                  \
		SITE_USE_(name);                                                            \
		site_sampled_((m), gc_alloc_bytes((m), (bytes), SITE_##name), SITE_##name); \
	})

/* An allocation made on behalf of callers that name the site themselves: `site` is a variable. */
#define SITE_ALLOC_BYTES_FOR(m, bytes, site) \
	site_sampled_((m), gc_alloc_bytes((m), (bytes), (uint32_t)(site)), (uint32_t)(site))
#define SITE_NAMED(name)         \
	({                       \
		SITE_USE_(name); \
		SITE_##name;     \
	})

#endif
