// SPDX-License-Identifier: Apache-2.0
module memlab/bench

go 1.19
