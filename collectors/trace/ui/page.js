// SPDX-License-Identifier: Apache-2.0
// The page's script. Data come from data.json once a second, or from the element #frozen. Everything from
// the target is put in as text (textContent, attributes by name), never as markup.
'use strict';
(function () {
	const get = (id) => document.getElementById(id);
	const SVG = 'http://www.w3.org/2000/svg';
	const COHORTS = [['p50', 'around p50'], ['p99', 'slowest 1 %'], ['p999', 'slowest 0.1 %']];
	const FLAMES = {tail: 'the slowest 1 %', diff: 'slow against ordinary', cpu: 'on a CPU', offcpu: 'off the CPU', alloc_bytes: 'allocated bytes', alloc_objects: 'allocated objects'};
	// A live graph is asked for when it is chosen and every ten seconds; the number makes the browser ask again.
	let flameSource = (kind) => 'flame-' + kind + '.svg?' + Date.now(), flameKind = null, flameKinds = '', flameAge = 0;
	let data = null, cohort = 'p99', paused = false, opened = new Set();

	// ---- words and numbers
	function digits(value) {
		const size = Math.abs(value);
		return value === 0 ? '0' : value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
	}
	function time(ns) {
		const units = ['ns', 'us', 'ms', 's'];
		let unit = 0;
		while (unit < 3 && Math.abs(ns) >= 999.5) {
			ns /= 1000;
			unit++;
		}
		return (unit ? digits(ns) : ns.toFixed(0)) + ' ' + units[unit];
	}
	const count = (value) => Math.round(value).toLocaleString('en-US');
	const percent = (part, whole) => whole > 0 ? (100 * part / whole).toFixed(1) + ' %' : '-';
	function bytes(value) {
		const units = ['B', 'KiB', 'MiB', 'GiB'];
		let unit = 0;
		while (unit < 3 && value >= 1023.5) {
			value /= 1024;
			unit++;
		}
		return (unit ? digits(value) : value.toFixed(0)) + ' ' + units[unit];
	}

	// ---- elements
	function element(name, text, attributes) {
		const made = document.createElement(name);
		if (text !== undefined)
			made.textContent = text;
		for (const key in attributes || {})
			made.setAttribute(key, attributes[key]);
		return made;
	}
	function shape(name, attributes, text) {
		const made = document.createElementNS(SVG, name);
		for (const key in attributes)
			made.setAttribute(key, attributes[key]);
		if (text !== undefined)
			made.textContent = text;
		return made;
	}
	const LEFT = ['taken by', 'behind'];
	function head(table, names) {
		const row = element('tr');
		for (const name of names)
			row.append(element('th', name, LEFT.includes(name) ? {scope: 'col', class: 'text'} : {scope: 'col'}));
		get(table).tHead.replaceChildren(row);
	}
	function row(cells) {
		const made = element('tr');
		cells.forEach((cell, i) => {
			if (cell instanceof Node)
				made.append(cell);
			else
				made.append(i ? element('td', cell) : element('th', cell, {scope: 'row'}));
		});
		return made;
	}
	const color = (cause) => 'var(--' + cause + ')';

	// ---- sections
	function showHeader(trace) {
		const run = trace.run || {}, target = trace.target;
		const words = [target.comm + '[' + target.pid + ']'];
		if (typeof run.path === 'string')
			words.push(run.path + ' path');
		if (run.gogc !== undefined)
			words.push('GOGC=' + run.gogc);
		get('target').textContent = words.join('  ');
		document.title = 'memlab: ' + target.comm;
		const cost = trace.cost;
		get('watching').textContent = 'probes ' + trace.probes.attached + '/' + trace.probes.found + ' (not stopped, not ptraced), mode ' +
			trace.mode + ', ' + count(trace.requests) + ' requests in ' + digits(trace.duration_s) + ' s, lost ' + count(trace.lost) +
			', late ' + count(trace.late) + ', cut ' + count(trace.cut) + ', cost ' +
			(cost.target_ns_per_request === null ? '' : time(cost.target_ns_per_request) + '/request + ') +
			(cost.tracer_cpu_percent === null ? 'not measured' : digits(cost.tracer_cpu_percent) + ' % of a CPU') +
			(cost.bpf_cpu_percent === null ? '' : ', all BPF ' + digits(cost.bpf_cpu_percent) + ' %') +
			(cost.budget_percent === null ? '' : ' (budget ' + cost.budget_percent + ' % of the CPUs it may use)') +
			(trace.mode_why ? ', ' + trace.mode_why : '') +
			(trace.probes.left_out ? '. Probes left out: ' + trace.probes.left_out : '') +
			(trace.missing ? '. Not visible: ' + trace.missing : '');
		get('next').textContent = trace.next;
	}
	function showQuantiles(trace) {
		const names = ['p50', 'p90', 'p99', 'p999', 'p9999', 'max', 'mean'];
		head('quantiles', ['', 'p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max', 'mean']);
		const rows = [['server time', trace.server_ns], ['queue', trace.queue_ns], ['service', trace.service_ns]];
		if (trace.probes.found)
			rows.push(['without the collector', trace.without_gc_ns]);
		if (trace.client.requests)
			rows.push(['client wait', trace.client.wait_ns], ['response', trace.client.response_ns]);
		const known = (key) => trace.server_interval_ns[key];
		rows.splice(1, 0, ['95 % interval', Object.fromEntries(names.map((key) => [key, !(key in trace.server_interval_ns) ? '' : !known(key) ? 'too few'
			: time(known(key)[0]) + ' to ' + time(known(key)[1])]))]);
		get('quantiles').tBodies[0].replaceChildren(...rows.map(([name, q]) => row([name, ...names.map((key) => q[key] === null ? 'not known' : typeof q[key] === 'string' ? q[key] : time(q[key]))])));
		const tail = trace.gc_tail_ns.p99;
		get('verdict').textContent = !trace.requests ? 'No requests seen. ' + trace.next
			: !trace.probes.found ? 'p99 is ' + time(trace.server_ns.p99) + '.'
			: tail === null ? 'p99 is ' + time(trace.server_ns.p99) + '; what the collector is of it is not known: records ' + (trace.lost ? 'were lost.' : 'contradict each other.')
			: !trace.gc.cycles ? 'p99 is ' + time(trace.server_ns.p99) + '; 0 collector cycles yet.'
			: 'p99 is ' + time(trace.server_ns.p99) + '; the collector is ' + time(tail) + ' of it (' + percent(tail, trace.server_ns.p99) + ').';
	}
	function showCauses(trace) {
		get('cohorts').replaceChildren(...COHORTS.map(([key, name]) => {
			const button = element('button', name + ' (' + count(trace.cohort[key]) + ')',
				{type: 'button', 'aria-pressed': String(key === cohort), 'data-cohort': key});
			button.onclick = () => {
				cohort = key;
				show();
				get('cohorts').querySelector('[data-cohort=' + key + ']').focus();
			};
			return button;
		}));
		const causes = Object.entries(trace.causes).map(([name, c]) => ({name, queue: c.queue_ns[cohort], service: c.service_ns[cohort], error: c.error_percent[cohort]}));
		const whole = causes.reduce((sum, c) => sum + c.queue + c.service, 0);
		causes.sort((a, b) => b.queue + b.service - a.queue - a.service);
		head('causes', ['cause', '', 'share', '95 %', 'mean', 'queue', 'service', 'taken by']);
		get('causes').tBodies[0].replaceChildren(...causes.map((c) => {
			const bar = element('td', undefined, {class: 'bar'});
			for (const part of ['queue', 'service']) {
				const span = element('span', undefined, {class: part, title: part + ' ' + time(c[part])});
				span.style.width = (whole > 0 ? 100 * c[part] / whole : 0) + '%';
				span.style.background = color(c.name);
				bar.append(span);
			}
			const made = row([c.name, bar, percent(c.queue + c.service, whole), c.error === null ? 'too few' : '±' + c.error.toFixed(1) + ' %',
				(c.name === 'fault' && trace.checks.fault_estimated_ns ? '~' : '') + time(c.queue + c.service), percent(c.queue, whole),
				percent(c.service, whole), element('td', culprit(trace, c.name), {class: 'text'})]);
			made.dataset.share = whole > 0 ? 100 * (c.queue + c.service) / whole : 0;
			return made;
		}));
	}
	function culprit(trace, cause) {
		if (cause !== 'runq' && cause !== 'gc_cpu')
			return '';
		const sums = new Map();
		for (const c of trace.culprits.filter((one) => one.own_collector === (cause === 'gc_cpu'))) {
			const sum = sums.get(c.comm) || {ns: 0, tids: []};
			sum.ns += c.ns;
			sum.tids.push(c.tid);
			sums.set(c.comm, sum);
		}
		const found = [...sums].sort((a, b) => b[1].ns - a[1].ns)[0];
		return !found ? '' : found[1].tids.length > 1 ? found[0] + ' x' + found[1].tids.length : found[0] + '[' + found[1].tids[0] + ']';
	}

	// Columns are seconds, rows are buckets of server time; darker means more requests.
	function showHeatmap(trace, history) {
		const svg = get('heatmap'), seconds = history.seconds, edges = history.edges_ns, parts = [];
		svg.setAttribute('viewBox', '0 0 1000 200');
		svg.setAttribute('preserveAspectRatio', 'none');
		const used = seconds.flatMap((s) => s.counts.flatMap((n, b) => n ? [b] : []));
		const low = Math.min(...used, edges.length), high = Math.max(...used, 0), rows = Math.max(1, high - low + 1);
		const most = Math.max(1, ...seconds.map((s) => Math.max(...s.counts)));
		const columns = seconds.length ? seconds[0].age + 1 : 1;
		const wide = 940 / Math.max(columns, 20), tall = 176 / rows;
		for (const s of seconds)
			s.counts.forEach((n, b) => {
				if (n)
					parts.push(shape('rect', {x: 1000 - (s.age + 1) * wide, y: 4 + (high - b) * tall, width: wide, height: tall,
						fill: 'var(--accent)', opacity: (0.12 + 0.88 * Math.log1p(n) / Math.log1p(most)).toFixed(2)}));
			});
		const cycles = trace.series.map((s) => s.cycles);
		cycles.forEach((n, i) => {
			if (n)
				parts.push(shape('rect', {class: 'cycle', x: 1000 - (cycles.length - i) * wide, y: 184, width: wide, height: 12,
					fill: 'var(--gc_cpu)'}));
		});
		for (let b = low; b <= high; b += Math.max(1, Math.ceil(rows / 6)))
			parts.push(shape('text', {x: 2, y: 12 + (high - b) * tall}, b < edges.length ? time(edges[b]) : 'more'));
		parts.push(shape('text', {x: 2, y: 194}, 'cycles'));
		svg.replaceChildren(...parts);
		get('heatmap-text').textContent = seconds.length ? 'Server time of each request over the last ' + columns +
			' s: darker is more requests; p99 was ' + time(trace.server_ns.p99) + ', the slowest ' + time(trace.server_ns.max) + '.' : 'No requests yet.';
	}
	function showStack(history) {
		const svg = get('stack'), seconds = history.seconds, parts = [], columns = seconds.length ? seconds[0].age + 1 : 1;
		svg.setAttribute('viewBox', '0 0 1000 200');
		svg.setAttribute('preserveAspectRatio', 'none');
		const wide = 940 / Math.max(columns, 20);
		const sum = (s) => s.cause_ns.reduce((a, b) => a + b, 0), most = Math.max(1, ...seconds.map(sum));
		for (const s of seconds) {
			let y = 196;
			s.cause_ns.forEach((ns, i) => {
				const tall = 184 * ns / most;
				y -= tall;
				if (tall > 0.05)
					parts.push(shape('rect', {x: 1000 - (s.age + 1) * wide, y: y.toFixed(2), width: wide, height: tall.toFixed(2), fill: color(history.causes[i])}));
			});
		}
		parts.push(shape('text', {x: 2, y: 12}, time(most) + ' per s'));
		svg.replaceChildren(...parts);
		get('legend').replaceChildren(...history.causes.map((cause) => {
			const item = element('li', cause), mark = element('i');
			mark.style.background = color(cause);
			item.prepend(mark);
			return item;
		}));
	}
	function showCollector(trace) {
		const gc = trace.gc, alloc = trace.alloc;
		const facts = [['cycles', count(gc.cycles)], ['share of CPU time', percent(gc.cpu_fraction, 1)], ['handshake p99', time(gc.handshake_ns.p99)],
			['stop p99', time(gc.stop_ns.p99)], ['assist, all', time(gc.assist_ns)], ['workers, all', time(gc.worker_cpu_ns)],
			['allocations per request', digits(alloc.per_request_mean)], ['bytes per request', bytes(alloc.bytes_per_request_mean)]];
		get('gc').replaceChildren(...facts.map(([name, value]) => {
			const pair = element('div');
			pair.append(element('dt', name), element('dd', value));
			return pair;
		}));
	}
	// On the same axis as the heatmap: each cycle's marking and sweeping, and how long mutators waited for it or marked themselves.
	function showCycles(trace, history) {
		const svg = get('cycles-line'), cycles = history.cycles, seconds = history.seconds, parts = [];
		const wide = 940 / Math.max(seconds.length ? seconds[0].age + 1 : 1, 20);
		svg.setAttribute('viewBox', '0 0 1000 64');
		svg.setAttribute('preserveAspectRatio', 'none');
		const bar = (kind, begin, ns, y, tall, fill) => {
			const x = 1000 - begin * wide;
			if (ns > 0 && x > 60)
				parts.push(shape('rect', {class: kind, x: x.toFixed(2), y, width: Math.max(1.5, ns / 1e9 * wide).toFixed(2), height: tall, fill}));
		};
		for (const c of cycles) {
			bar('mark', c.age_s, c.mark_ns, 6, 18, 'var(--gc_cpu)');
			bar('sweep', c.age_s - c.mark_ns / 1e9, c.sweep_ns, 26, 10, 'var(--alloc)');
			bar('felt', c.age_s, c.assist_ns + c.stop_ns, 42, 16, 'var(--assist)');
		}
		[['mark', 19], ['sweep', 35], ['mutators', 54]].forEach(([words, y]) => parts.push(shape('text', {x: 2, y}, words)));
		svg.replaceChildren(...parts);
		get('cycles-text').textContent = !trace.probes.found ? 'Not visible: the process has no memlab probes.'
			: !cycles.length ? 'No cycle yet.'
			: 'Its cycles over the same time: marking, sweeping, and what mutators spent in assists and stops. The last began ' +
				digits(Math.max(0, cycles[cycles.length - 1].age_s)) + ' s ago.';
		head('cycles', ['cycle', 'ago', 'reason', 'mark', 'CPU', 'sweep', 'heap', 'marked', 'handshakes, longest', 'assists', 'stops']);
		get('cycles').tBodies[0].replaceChildren(...cycles.slice(-8).reverse().map((c) => row(['#' + c.number, digits(Math.max(0, c.age_s)) + ' s', c.reason,
			c.mark_ns ? time(c.mark_ns) : '...', time(c.mark_cpu_ns), c.ended ? time(c.sweep_ns) : '...', bytes(c.heap_bytes), bytes(c.marked_bytes),
			count(c.handshakes) + ', ' + time(c.handshake_ns_max), count(c.assists) + ', ' + time(c.assist_ns), count(c.stops) + ', ' + time(c.stop_ns)])));
		get('cycles').hidden = !cycles.length;
	}
	function showWorst(trace) {
		head('worst', ['server time', 'queue', 'service', 'key', 'status', 'cycle', 'behind']);
		const rows = [];
		trace.worst.forEach((request) => {
			const id = request.tid + '-' + request.arrival_ns;
			const button = element('button', time(request.server_ns), {type: 'button', 'aria-expanded': String(opened.has(id)), 'data-id': id});
			const first = element('th', undefined, {scope: 'row'});
			first.append(button);
			rows.push(row([first, time(request.queue_ns), time(request.service_ns), request.key === undefined ? '-' : String(request.key),
				request.status === undefined ? '-' : String(request.status), request.cycle ? String(request.cycle) : '-', element('td', request.culprit, {class: 'text'})]));
			const detail = element('tr'), cell = element('td', undefined, {colspan: '7', class: 'text'});
			cell.textContent = decompose(request);
			detail.hidden = !opened.has(id);
			detail.append(cell);
			rows.push(detail);
			button.onclick = () => {
				opened.has(id) ? opened.delete(id) : opened.add(id);
				detail.hidden = !opened.has(id);
				button.setAttribute('aria-expanded', String(opened.has(id)));
			};
		});
		const held = document.activeElement && document.activeElement.dataset.id;
		get('worst').tBodies[0].replaceChildren(...rows);
		if (held)
			for (const button of get('worst').querySelectorAll('button'))
				if (button.dataset.id === held)
					button.focus();
	}
	function decompose(request) {
		const side = (key) => Object.entries(request.causes).filter(([, c]) => c[key]).sort((a, b) => b[1][key] - a[1][key])
			.map(([name, c]) => time(c[key]) + ' ' + name).join(' + ') || 'nothing';
		return 'queue: ' + side('queue_ns') + '; service: ' + side('service_ns') +
			(request.allocs === undefined ? '' : '; ' + count(request.allocs) + ' allocations, ' + bytes(request.alloc_bytes));
	}

	function chooseFlame(kind) {
		flameKind = kind;
		flameAge = 0;
		get('flame').src = flameSource(kind);
		get('flame').title = 'flame graph: ' + FLAMES[kind];
		for (const button of get('flames').children)
			button.setAttribute('aria-pressed', String(button.dataset.flame === kind));
	}
	function showFlames(kinds) {
		if (flameKinds === kinds.join())
			return;
		flameKinds = kinds.join();
		get('flame-section').hidden = !kinds.length;
		get('flames').replaceChildren(...kinds.map((kind) => {
			const button = element('button', FLAMES[kind], {type: 'button', 'data-flame': kind});
			button.onclick = () => chooseFlame(kind);
			return button;
		}));
		if (kinds.length)
			chooseFlame(kinds.includes(flameKind) ? flameKind : kinds[0]);
	}

	function show() {
		if (!data)
			return;
		showHeader(data.trace);
		showQuantiles(data.trace);
		showCauses(data.trace);
		showHeatmap(data.trace, data.history);
		showStack(data.history);
		showCollector(data.trace);
		showCycles(data.trace, data.history);
		showWorst(data.trace);
		showFlames(data.flames);
		document.body.dataset.updates = 1 + Number(document.body.dataset.updates || 0);
	}

	// ---- live or frozen
	function status(words, stale) {
		get('status').textContent = words;
		document.body.classList.toggle('stale', stale);
	}
	async function update() {
		try {
			const answer = await fetch('data.json', {cache: 'no-store'});
			if (!answer.ok)
				throw new Error('status ' + answer.status);
			data = await answer.json();
			show();
			status('live, updated every second', false);
		} catch (error) {
			status('the tracer does not answer; these are its last numbers', true);
		}
	}
	function live() {
		get('pause').onclick = () => {
			paused = !paused;
			get('pause').setAttribute('aria-pressed', String(paused));
			get('pause').textContent = paused ? 'go on' : 'pause';
			status(paused ? 'paused' : 'live, updated every second', false);
		};
		update();
		setInterval(() => paused || update(), 1000);
	}
	function freeze(text) {
		const frozen = JSON.parse(text);
		data = frozen.data;
		get('pause').hidden = true;
		status('frozen report', false);
		flameSource = (kind) => URL.createObjectURL(new Blob([frozen.flames[kind]], {type: 'image/svg+xml'}));
		show();
	}
	if (get('frozen'))
		freeze(get('frozen').textContent);
	else
		live();
})();
