/* SPDX-License-Identifier: Apache-2.0 */
#include "flame_asset.h"

#include "../core/asset.h"

ASSET(flame_style, "collectors/trace/export/flame.css");
ASSET(flame_script, "collectors/trace/export/flame.js");
