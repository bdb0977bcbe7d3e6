/* SPDX-License-Identifier: Apache-2.0 */
/* The coverage-guided fuzzer's entry: built by `make fuzz` with clang, FUZZ_TARGET names the reader. */
#include <sys/mman.h>
#include <unistd.h>

#include "readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a file; what was there before is gone. */
static inline int as_file(const uint8_t *data, size_t size, size_t at)
{
	static int fd = -1;
	if (fd < 0)
		fd = memfd_create("hostile", MFD_CLOEXEC);
	require(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, (off_t)at) == (ssize_t)size, "no memory for the input");
	return fd;
}

static inline int as_recording(const uint8_t *data, size_t size)
{
	int fd = as_file(data, 0, 0);
	recording_pack(fd, data, size);
	return fd;
}

static inline bool elf(const uint8_t *data, size_t size)
{
	return read_elf(as_file(data, size, 0));
}

static inline bool flight(const uint8_t *data, size_t size)
{
	return read_flight(as_file(data, size, FLIGHT_AT));
}

static inline bool recording(const uint8_t *data, size_t size)
{
	return read_recording(as_recording(data, size));
}

static inline bool report(const uint8_t *data, size_t size)
{
	return read_report(as_recording(data, size));
}

static inline bool code(const uint8_t *data, size_t size)
{
	return size > 0 && read_code(data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FUZZ_TARGET(data, size);
	return 0;
}
