/* SPDX-License-Identifier: Apache-2.0 */
/* The coverage-guided fuzzer's entry: built by `make fuzz-svc` with clang, FUZZ_TARGET names the target. */
#include "http.h"
#include "targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool opened;
	if (!opened) { /* the heap's memory hides what it refers to from the leak checker */
		opened = true;
		fuzz_service();
		atexit(fuzz_service_close);
	}
	FUZZ_TARGET(data, size);
	return 0;
}
