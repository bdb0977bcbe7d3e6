/* SPDX-License-Identifier: Apache-2.0 */
/* The style sheet and the script that stand in every flame graph: flame.css, flame.js. */
#ifndef MEMLAB_TRACE_EXPORT_FLAME_ASSET_H
#define MEMLAB_TRACE_EXPORT_FLAME_ASSET_H

extern const char flame_style[];
extern const char flame_script[];

#endif
