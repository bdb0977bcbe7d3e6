// SPDX-License-Identifier: Apache-2.0
// The package's default export is CommonJS: esbuild needs it by its name.
export { Scrollbars as default, Scrollbars } from './node_modules/react-custom-scrollbars-2/lib/index.js';
