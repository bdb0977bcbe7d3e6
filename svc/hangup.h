/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hang-ups: sockets whose peer has sent all it will.
 *
 * libmicrohttpd, edge-triggered, takes a read that is shorter than its buffer for the end of what there is. If the peer's
 * end of stream had come by then, the edge that told of both is used up, and nobody looks at the socket again. So each socket
 * stands in a second epoll set for the end of its stream alone; when that has come, and libmicrohttpd has read what
 * came before, the socket's reading side is shut, which changes nothing but is an edge of its own.
 *
 * One set per event loop, for its thread only. A socket leaves the set when it is closed.
 */
#ifndef MEMLAB_SVC_HANGUP_H
#define MEMLAB_SVC_HANGUP_H

/* A set, to be polled for input and closed at the end; -1: see errno. */
int hangups_open(void);

/* Without memory for it the socket stays until its time is out. */
void hangup_watch(int hangups, int socket);

/* Wakes the reader of sockets whose stream has ended. Call after libmicrohttpd has run; the set stays ready while there are more. */
void hangups_tell(int hangups);

#endif
