/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "../core/asset.h"

ASSET(page_html, "collectors/trace/ui/page.html");
ASSET(page_style, "collectors/trace/ui/page.css");
ASSET(page_script, "collectors/trace/ui/page.js");
