/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marking protocol for two mutators, one collector and a small graph, for spin. The full search takes long;
 * tests/model/check reports whether it was finished.
 *
 * Locations: slot[0] is a global root, slot[1..3] the one reference of objects 1, 2, 3 (0 is NULL). Object 3 is not
 * allocated at first. Each mutator has two roots and does at most STEPS things. A mutator loads, stores, drops, allocates, answers requests, parks
 * and unparks in any order; a store is three steps (record the old value, record the new one, write), so that the
 * collector and the other mutator can come between. The collector runs one marking as in cycle.h; when it calls
 * the marking complete, everything reachable must be marked. Memory is sequentially consistent here.
 *
 * Mutants (-DNO_DELETION, -DNO_INSERTION, -DNO_ROUNDS, -DONE_ROUND, -DNO_CLAIM, -DWHITE) leave one part out and must fail.
 * With -DALWAYS_INSERT both halves of the barrier always run.
 */

#ifndef STEPS
#define STEPS 4 /* each mutator does at most so many things besides answering */
#endif

#define RUNNING 0
#define PARKED 1
#define SCANNING 2

#define NONE 0
#define MARK_ON 1
#define ROOTS 2
#define FLUSH 3

#define OFF 0
#define BLACK 1
#define GREY 2

#define bit(x) (1 << (x))
#define real(x) ((x) != 0)

byte slot[4];
byte marked;  /* a bit per object */
byte queue;   /* grey objects the collector knows */
bool found;   /* a mutator brought a white object */
bool allocated;
bool complete;

byte root0[2], root1[2];
byte mode[2];
byte request[2];
byte status[2];
byte buffer[2];

inline record(m, x)
{
	if
	:: real(x) && !(marked & bit(x)) -> buffer[m] = buffer[m] | bit(x)
	:: else
	fi
}

/* A mutator's buffer goes to the queue; only white objects count. */
inline flush(m)
{
	if
	:: (buffer[m] & ~marked) != 0 -> queue = queue | (buffer[m] & ~marked); found = true
	:: else
	fi;
	buffer[m] = 0
}

/* The owner answers in one go: nobody else looks at its fields. */
inline answer_own(m)
{
	d_step {
		if
		:: request[m] == MARK_ON -> mode[m] = GREY
		:: request[m] == ROOTS -> record(m, root0[m]); record(m, root1[m]); flush(m); mode[m] = BLACK
		:: request[m] == FLUSH -> flush(m)
		:: else
		fi;
		request[m] = NONE
	}
}

proctype mutator(byte m)
{
	byte where, value, old, left = STEPS;

	do
	:: complete -> break
	:: !complete ->
		if
		/* safepoint */
		:: request[m] != NONE -> answer_own(m)
		:: left == 0 && complete -> break
		:: left > 0 ->
			left--;
			if
			/* load from the global root, or from the object a root refers to */
			:: d_step { root0[m] = slot[0] }
			:: real(root0[m]) -> d_step { root1[m] = slot[root0[m]] }
			/* drop, copy a root */
			:: d_step { root0[m] = root1[m]; root1[m] = 0 }
			:: d_step { root1[m] = 0 }
			/* allocate object 3 */
			:: !allocated ->
				d_step {
					allocated = true;
					slot[3] = 0;
					root0[m] = 3;
#ifndef WHITE
					if
					:: mode[m] != OFF -> marked = marked | bit(3)
					:: else
					fi
#endif
				}
			/* store root1 (or NULL) into the global root or into root0's object */
			:: true ->
				if
				:: where = 0
				:: real(root0[m]) -> where = root0[m]
				fi;
				if
				:: value = root1[m]
				:: value = 0
				fi;
				if
				:: mode[m] != OFF ->
					old = slot[where];
#ifndef NO_DELETION
					d_step { record(m, old) }
#endif
#ifndef NO_INSERTION
#ifdef ALWAYS_INSERT
					d_step { record(m, value) }
#else
					d_step {
						if
						:: mode[m] == GREY -> record(m, value)
						:: else
						fi
					}
#endif
#endif
				:: else
				fi;
				slot[where] = value;
				old = 0; where = 0; value = 0
			/* park, and come back */
			:: request[m] == NONE -> d_step { flush(m); status[m] = PARKED };
#ifdef NO_CLAIM
				status[m] = RUNNING
#else
				d_step { status[m] == PARKED -> status[m] = RUNNING }
#endif
			fi
		fi
	od
}

/* Ask both; for a parked one answer step by step under the claim. */
proctype collector()
{
	byte i, x, child, reach;
	byte asked;

	asked = MARK_ON;
	goto handshake;
marked_on:
	asked = ROOTS;
	goto handshake;
scanned:
	skip;
	d_step {
		if
		:: real(slot[0]) -> queue = queue | bit(slot[0])
		:: else
		fi
	}
mark:
	do
	:: queue != 0 ->
		d_step {
			x = 1;
			do
			:: x < 4 && !(queue & bit(x)) -> x++
			:: else -> break
			od;
			queue = queue & ~bit(x)
		}
		if
		:: !(marked & bit(x)) ->
			marked = marked | bit(x);
			d_step {
				child = slot[x];
				if
				:: real(child) && !(marked & bit(child)) -> queue = queue | bit(child)
				:: else
				fi;
				child = 0
			}
		:: else
		fi;
		x = 0
	:: queue == 0 -> break
	od;
#ifdef NO_ROUNDS
	goto done;
#endif
	found = false;
	asked = FLUSH;
	goto handshake;
flushed:
#ifdef ONE_ROUND
	if
	:: queue == 0 -> goto done
	:: else
	fi;
#endif
	if
	:: !found && queue == 0 -> goto done
	:: else -> goto mark
	fi;

handshake:
	skip;
	d_step { request[0] = asked; request[1] = asked };
	i = 0;
	do
	:: i < 2 && request[i] == NONE -> i++
	:: d_step { i < 2 && request[i] != NONE && status[i] == PARKED -> status[i] = SCANNING };
		if
		:: asked == MARK_ON -> mode[i] = GREY
		:: asked == ROOTS ->
			d_step { record(i, root0[i]) }
			d_step { record(i, root1[i]) }
			d_step { flush(i); mode[i] = BLACK }
		:: asked == FLUSH -> d_step { flush(i) }
		fi;
		request[i] = NONE;
		status[i] = PARKED
	:: i == 2 -> break
	od;
	i = 0;
	if
	:: asked == MARK_ON -> goto marked_on
	:: asked == ROOTS -> goto scanned
	:: asked == FLUSH -> goto flushed
	fi;

done:
	skip;
	d_step {
		reach = 0;
		if :: real(slot[0]) -> reach = reach | bit(slot[0]) :: else fi;
		if :: real(root0[0]) -> reach = reach | bit(root0[0]) :: else fi;
		if :: real(root1[0]) -> reach = reach | bit(root1[0]) :: else fi;
		if :: real(root0[1]) -> reach = reach | bit(root0[1]) :: else fi;
		if :: real(root1[1]) -> reach = reach | bit(root1[1]) :: else fi;
		i = 0;
		do
		:: i < 3 ->
			x = 1;
			do
			:: x < 4 ->
				if
				:: (reach & bit(x)) && real(slot[x]) -> reach = reach | bit(slot[x])
				:: else
				fi;
				x++
			:: else -> break
			od;
			i++
		:: else -> break
		od;
		assert((reach & ~marked) == 0);
		complete = true
	}
}

init
{
	atomic {
		/* global root -> 1 -> 2; a mutator may hold one of them */
		slot[0] = 1;
		slot[1] = 2;
		if
		:: root0[0] = 2
		:: root0[0] = 0
		fi;
		run mutator(0);
		run mutator(1);
		run collector()
	}
}
