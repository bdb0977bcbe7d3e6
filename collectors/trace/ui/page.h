/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page: the attribution live, or frozen as one file that needs no network and no server.
 *
 * Live, it is three resources (page, style, script) beside `data.json`, which it fetches once a second, and
 * `flame.svg`. Frozen, everything is inside. All strings of the target go in as JSON and are shown as text, never as
 * markup.
 */
#ifndef MEMLAB_TRACE_UI_PAGE_H
#define MEMLAB_TRACE_UI_PAGE_H

#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"
#include "../export/history.h"
#include "../export/flame.h"

extern const char page_html[], page_style[], page_script[];

/* What the page shows: {"trace": the document of --json, "history": {...}}. 0 or -EIO. */
int page_data(FILE *file, const struct trace_info *info, const struct summary *summary, const struct history *history);

/* The page frozen; `flame` NULL: without the flame graph. 0, -ENOMEM or -EIO. */
int page_frozen(FILE *file, const struct trace_info *info, const struct summary *summary, const struct history *history,
		const struct tree *flame, const struct flame_options *options);

#endif
