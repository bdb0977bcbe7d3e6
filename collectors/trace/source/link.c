/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel's union bpf_attr as BPF_LINK_CREATE reads it for this attach type. It accepts any
 * length as long as what it does not know is 0.
 */
struct link_create_uprobe_multi {
	uint32_t program, target;
	uint32_t attach_type, flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t count;
	uint32_t uprobe_flags;
	uint32_t pid;
	uint32_t pad;
};

static int link_create(struct link_create_uprobe_multi *create)
{
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, create, sizeof(*create));
	return fd < 0 ? -errno : fd;
}

int link_uprobe_multi(int program, const char *path, const struct link_place *places, size_t count, pid_t pid)
{
	uint64_t *arrays = calloc(count, 3 * sizeof(*arrays));
	if (!arrays)
		return -ENOMEM;
	uint64_t *offsets = arrays, *semaphores = arrays + count, *cookies = arrays + 2 * count;
	for (size_t p = 0; p < count; p++) {
		offsets[p] = places[p].offset;
		semaphores[p] = places[p].semaphore_offset;
		cookies[p] = places[p].cookie;
	}
	struct link_create_uprobe_multi create = {
		.program = (uint32_t)program,
		.attach_type = LINK_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.ref_ctr_offsets = (uintptr_t)semaphores,
		.cookies = (uintptr_t)cookies,
		.count = (uint32_t)count,
		.pid = (uint32_t)pid,
	};
	int result = link_create(&create);
	free(arrays);
	return result;
}

static void *close_link(void *link)
{
	close(*(int *)link);
	return NULL;
}

void links_close(int *links, size_t count)
{
	pthread_t *threads = calloc(count + 1, sizeof(*threads));
	size_t begun = 0;
	while (threads && begun < count && pthread_create(&threads[begun], NULL, close_link, &links[begun]) == 0)
		begun++;
	for (size_t l = begun; l < count; l++)
		close(links[l]);
	for (size_t l = 0; l < begun; l++)
		pthread_join(threads[l], NULL);
	free(threads);
}

/* Asks for a link on a path that is no regular file: a kernel that knows the type says EBADF. */
bool link_uprobe_multi_supported(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = LINK_UPROBE_MULTI);
	int program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "memlab_feature", "GPL", nothing, 2, &options);
	if (program < 0)
		return false;
	const struct link_place place = {.offset = 0};
	int result = link_uprobe_multi(program, "/", &place, 1, 0);
	if (result >= 0)
		close(result);
	close(program);
	return result == -EBADF;
}
