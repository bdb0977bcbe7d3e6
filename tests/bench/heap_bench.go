// SPDX-License-Identifier: Apache-2.0

// The work of heap_bench.c in Go: same arguments, same output line.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

const ring = 1024
const liveBytes = 64 << 20
const warmFaults = 64

type node struct {
	next *node
	data [7]uint64
}

type tree struct {
	left, right *tree
	value       uint64
}

type record struct {
	key     uint64
	next    *record
	payload []byte
	fields  [4]uint64
}

type sized16 struct {
	reference *node
	rest      [8]byte
}

type sized64 struct {
	reference *node
	rest      [56]byte
}

type sized256 struct {
	reference *node
	rest      [248]byte
}

type sized1024 struct {
	reference *node
	rest      [1016]byte
}

func usage() syscall.Rusage {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u
}

func cpu() float64 {
	u := usage()
	return float64(u.Utime.Nano()+u.Stime.Nano()) * 1e-9
}

var live []*node

func drop[T any](seconds float64, fill func(*T, byte)) (float64, float64) {
	slots := make([]*T, ring)
	run := func(seconds float64) int {
		count := 0
		end := time.Now().Add(time.Duration(seconds * 1e9))
		for time.Now().Before(end) {
			for i := 0; i < 4096; i++ {
				p := new(T)
				fill(p, byte(i))
				slots[count%ring] = p
				count++
			}
		}
		return count
	}
	// As in heap_bench.c: until the heap has its final size.
	cold := 0.0
	for end := time.Now().Add(5 * time.Second); ; {
		faults, used := usage().Minflt, cpu()
		count := run(seconds / 3)
		if cold == 0 {
			cold = (cpu() - used) * 1e9 / float64(count)
		}
		if usage().Minflt-faults <= warmFaults || time.Now().After(end) {
			break
		}
	}
	used := cpu()
	count := run(seconds)
	return (cpu() - used) * 1e9 / float64(count), cold
}

func fillBytes(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

func workDrop(bytes int, seconds float64) {
	for i := 0; i < liveBytes/64; i++ {
		live = append(live, &node{})
	}
	var ns, cold float64
	switch bytes {
	case 16:
		ns, cold = drop(seconds, func(p *sized16, v byte) { fillBytes(p.rest[:], v) })
	case 64:
		ns, cold = drop(seconds, func(p *sized64, v byte) { fillBytes(p.rest[:], v) })
	case 256:
		ns, cold = drop(seconds, func(p *sized256, v byte) { fillBytes(p.rest[:], v) })
	default:
		ns, cold = drop(seconds, func(p *sized1024, v byte) { fillBytes(p.rest[:], v) })
	}
	runtime.KeepAlive(live)
	u := usage()
	fmt.Printf("drop go refs bytes=%d threads=1 ns=%.2f cpu_ns=%.2f cold_ns=%.2f rss_mb=%d\n", bytes, ns, ns, cold, u.Maxrss>>10)
}

func treeNew(depth int) *tree {
	t := &tree{}
	if depth > 0 {
		t.left = treeNew(depth - 1)
		t.right = treeNew(depth - 1)
	}
	return t
}

func (t *tree) check() uint64 {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.check() + t.right.check()
}

func workTrees(depth int) {
	begin := time.Now()
	nodes := treeNew(depth + 1).check()
	kept := treeNew(depth)
	for d := 4; d <= depth; d += 4 {
		for i := 0; i < 1<<(depth-d+4); i++ {
			nodes += treeNew(d).check()
		}
	}
	nodes += kept.check()
	u := usage()
	fmt.Printf("trees go depth=%d nodes=%d seconds=%.3f cpu=%.3f rss_mb=%d\n", depth, nodes,
		time.Since(begin).Seconds(), cpu(), u.Maxrss>>10)
}

func workMark(records, cycles int) {
	table := make([]*record, records)
	state := uint64(88172645463325252)
	random := func() uint64 {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		return state
	}
	for i := 0; i < records; i++ {
		bucket := random() % uint64(records)
		payload := make([]byte, 32+random()%225)
		fillBytes(payload, 1)
		table[bucket] = &record{key: uint64(i), next: table[bucket], payload: payload}
	}
	for i := 0; i < cycles; i++ {
		begin, used := time.Now(), cpu()
		runtime.GC()
		u := usage()
		fmt.Printf("mark go records=%d seconds=%.4f cpu=%.4f rss_mb=%d\n", records, time.Since(begin).Seconds(),
			cpu()-used, u.Maxrss>>10)
	}
	runtime.KeepAlive(table)
}

func main() {
	if len(os.Args) < 3 {
		os.Exit(2)
	}
	number, _ := strconv.Atoi(os.Args[2])
	switch os.Args[1] {
	case "drop":
		seconds, _ := strconv.ParseFloat(os.Args[3], 64)
		workDrop(number, seconds)
	case "trees":
		workTrees(number)
	case "mark":
		cycles := 3
		if len(os.Args) > 3 {
			cycles, _ = strconv.Atoi(os.Args[3])
		}
		workMark(number, cycles)
	}
}
