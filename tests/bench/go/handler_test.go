// SPDX-License-Identifier: Apache-2.0

// The lookup of memlab-svc written in Go as its users would: the yardstick of `make bench-svc`. Records have the same
// fields and lengths (not the same values), the index is a map of pointers, keys as in handler_bench.c.
package bench

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand"
	"strconv"
	"sync"
	"testing"
)

const (
	recordCount = 231409
	keyCount    = 65536
	hotCount    = 16
)

type record struct {
	id, created         uint64
	balance             int64
	visits              uint32
	name                string
	country, city, plan string
	payload             []byte
}

var (
	index    map[uint64]*record
	requests [2][]request
	sink     int
)

func word(random *rand.Rand, least, most int) string {
	letters := make([]byte, least+random.Intn(most-least+1))
	for i := range letters {
		letters[i] = byte('a' + random.Intn(26))
	}
	return string(letters)
}

func fill() {
	random := rand.New(rand.NewSource(42))
	index = make(map[uint64]*record, recordCount)
	for id := uint64(0); id < recordCount; id++ {
		payload := make([]byte, 64+random.Intn(65))
		random.Read(payload)
		index[id] = &record{id, 1500000000 + uint64(random.Intn(1<<28)), int64(random.Intn(1 << 24)),
			uint32(random.Intn(10000)), word(random, 8, 20), word(random, 5, 10), word(random, 5, 12),
			word(random, 4, 8), payload}
	}
	scatter := random.Perm(recordCount)
	zipf := rand.NewZipf(random, 1.1, 1, recordCount-1)
	for i := 0; i < keyCount; i++ {
		key := strconv.Itoa(scatter[zipf.Uint64()])
		for i, format := range []string{"json", "bin"} {
			query := [2]pair{{"key", key}, {"fmt", format}}
			requests[i] = append(requests[i], request{"GET", "/lookup", query})
		}
	}
}

func appendText(buffer []byte, name, text string) []byte {
	buffer = append(append(append(buffer, ",\""...), name...), "\":\""...)
	for i := 0; i < len(text); i++ {
		if text[i] == '"' || text[i] == '\\' {
			buffer = append(buffer, '\\')
		}
		buffer = append(buffer, text[i])
	}
	return append(buffer, '"')
}

func optJSON(buffer []byte, r *record) []byte {
	buffer = strconv.AppendUint(append(buffer, "{\"id\":"...), r.id, 10)
	buffer = strconv.AppendUint(append(buffer, ",\"created_s\":"...), r.created, 10)
	buffer = strconv.AppendInt(append(buffer, ",\"balance_cents\":"...), r.balance, 10)
	buffer = strconv.AppendUint(append(buffer, ",\"visits\":"...), uint64(r.visits), 10)
	buffer = appendText(buffer, "name", r.name)
	buffer = appendText(buffer, "country", r.country)
	buffer = appendText(buffer, "city", r.city)
	buffer = appendText(buffer, "plan", r.plan)
	buffer = append(buffer, ",\"payload\":\""...)
	at := len(buffer)
	buffer = buffer[:at+base64.StdEncoding.EncodedLen(len(r.payload))]
	base64.StdEncoding.Encode(buffer[at:], r.payload)
	return append(buffer, "\"}\n"...)
}

func optBin(buffer []byte, r *record) []byte {
	buffer = binary.LittleEndian.AppendUint64(buffer, r.id)
	buffer = binary.LittleEndian.AppendUint64(buffer, r.created)
	buffer = binary.LittleEndian.AppendUint64(buffer, uint64(r.balance))
	buffer = binary.LittleEndian.AppendUint32(buffer, r.visits)
	buffer = append(buffer, byte(len(r.name)), byte(len(r.country)), byte(len(r.city)), byte(len(r.plan)))
	buffer = binary.LittleEndian.AppendUint32(buffer, uint32(len(r.payload)))
	buffer = append(append(append(append(buffer, r.name...), r.country...), r.city...), r.plan...)
	return append(buffer, r.payload...)
}

func naiveJSON(r *record) []byte {
	tree := map[string]interface{}{"id": r.id, "created_s": r.created, "balance_cents": r.balance, "visits": r.visits,
		"name": r.name, "country": r.country, "city": r.city, "plan": r.plan,
		"payload": base64.StdEncoding.EncodeToString(r.payload)}
	body, _ := json.Marshal(tree)
	return append(body, '\n')
}

func naiveBin(r *record) []byte {
	head := fmt.Sprintf("%d %d %d %d", r.id, r.created, r.balance, r.visits)
	return []byte(head + r.name + r.country + r.city + r.plan + string(r.payload))
}

// What memlab-svc's handler does around the record, the same way: a route by path, the method, the arguments by name,
// the key and the format parsed, a buffer from a pool (handlers run on any goroutine), status and type of the answer.

type pair struct{ name, value string }

type request struct {
	method, path string
	query        [2]pair
}

func (r *request) argument(name string) (string, bool) {
	for i := range r.query {
		if r.query[i].name == name {
			return r.query[i].value, true
		}
	}
	return "", false
}

type response struct {
	status      int
	contentType string
	body        []byte
	buffer      *[]byte // to give back when the body has been written
}

type handler struct {
	opt     bool
	buffers sync.Pool
}

func (h *handler) fail(w *response, status int, message string) {
	w.status, w.contentType = status, "application/json"
	w.body = []byte(fmt.Sprintf("{\"status\":%d,\"message\":%q}\n", status, message))
}

func (h *handler) lookup(w *response, r *request) {
	text, _ := r.argument("key")
	key, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		h.fail(w, 400, "key must be a decimal number")
		return
	}
	format, given := r.argument("fmt")
	if given && format != "json" && format != "bin" {
		h.fail(w, 400, "fmt must be json or bin")
		return
	}
	record, found := index[key]
	if !found {
		h.fail(w, 404, "no such record")
		return
	}
	w.status, w.contentType = 200, "application/json"
	if format == "bin" {
		w.contentType = "application/octet-stream"
	}
	switch {
	case h.opt && format == "bin":
		w.buffer = h.buffers.Get().(*[]byte)
		w.body = optBin((*w.buffer)[:0], record)
	case h.opt:
		w.buffer = h.buffers.Get().(*[]byte)
		w.body = optJSON((*w.buffer)[:0], record)
	case format == "bin":
		w.body = naiveBin(record)
	default:
		w.body = naiveJSON(record)
	}
}

var routes = []struct {
	path   string
	answer func(*handler, *response, *request)
}{{"/lookup", (*handler).lookup}, {"/healthz", nil}, {"/metrics", nil}}

func (h *handler) serve(w *response, r *request) {
	for i := range routes {
		if routes[i].path == r.path {
			if r.method != "GET" && r.method != "HEAD" {
				h.fail(w, 405, "GET, HEAD")
				return
			}
			routes[i].answer(h, w, r)
			return
		}
	}
	h.fail(w, 404, "unknown path")
}

// The answer was written: its buffer goes back.
func (h *handler) done(w *response) {
	if w.buffer != nil {
		h.buffers.Put(w.buffer)
	}
}

func BenchmarkLookup(b *testing.B) {
	fill()
	names := map[int]string{hotCount: "hot", keyCount: "zipf"}
	for _, keys := range []int{hotCount, keyCount} {
		for _, path := range []string{"opt", "naive"} {
			for i, format := range []string{"json", "bin"} {
				h := &handler{opt: path == "opt"}
				h.buffers.New = func() interface{} { buffer := make([]byte, 0, 1024); return &buffer }
				b.Run(fmt.Sprintf("path=%s/fmt=%s/keys=%s", path, format, names[keys]), func(b *testing.B) {
					b.ReportAllocs()
					w, next := new(response), 0 // the response is the server's, one per connection
					for n := 0; n < b.N; n++ {
						*w = response{}
						r := &requests[i][next]
						if next++; next == keys {
							next = 0
						}
						h.serve(w, r)
						sink += len(w.body)
						h.done(w)
					}
				})
			}
		}
	}
}
