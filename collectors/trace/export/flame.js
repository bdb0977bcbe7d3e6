// SPDX-License-Identifier: Apache-2.0
// The flame graph's script. It stands inside the SVG; it asks nothing of the network and keeps no state elsewhere.
'use strict';
(function () {
	const WHOLE = 1e7, MARGIN = 10, CHARACTER = 7.2;
	const svg = document.documentElement;
	const get = (id) => document.getElementById(id);
	const frames = Array.from(document.querySelectorAll('g.f')).map((g) => ({
		g, x: +g.dataset.x, w: +g.dataset.w, name: g.dataset.n, info: g.querySelector('title').textContent,
		rect: g.querySelector('rect'), text: g.querySelector('text'), y: +g.querySelector('rect').getAttribute('y'),
	}));
	const maxRow = frames.reduce((y, f) => Math.max(y, f.y), 0);
	let zoomed = frames[0] || null, focused = null, query = '', typing = false;

	// Parents of the zoomed frame fill the width, its children are spread, everything else is hidden.
	function layout() {
		const width = Math.max(400, window.innerWidth || 1200), inner = width - 2 * MARGIN;
		const height = svg.viewBox.baseVal.height;
		svg.setAttribute('width', width);
		svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
		place('search', width - 290);
		place('reset', width - 150);
		get('found').setAttribute('x', width - 290);
		for (const f of frames) {
			const parent = f.y < zoomed.y && f.x <= zoomed.x && f.x + f.w >= zoomed.x + zoomed.w;
			const inside = f.y >= zoomed.y && f.x >= zoomed.x && f.x + f.w <= zoomed.x + zoomed.w + 1;
			f.g.style.display = parent || inside ? '' : 'none';
			f.g.classList.toggle('parent', parent);
			if (!parent && !inside)
				continue;
			const left = MARGIN + (parent ? 0 : (f.x - zoomed.x) / zoomed.w * inner);
			const wide = parent ? inner : Math.min(f.w / zoomed.w, 1) * inner;
			f.rect.setAttribute('x', left.toFixed(1));
			f.rect.setAttribute('width', Math.max(wide, 0.3).toFixed(1));
			f.text.setAttribute('x', (left + 3).toFixed(1));
			const room = Math.floor((wide - 6) / CHARACTER);
			f.text.textContent = room < 3 ? '' : f.name.length <= room ? f.name : f.name.slice(0, room - 1) + '~';
		}
	}
	function place(id, x) {
		get(id).querySelector('text').setAttribute('x', x);
	}
	function zoom(f) {
		zoomed = f;
		layout();
		focus(f);
	}
	function tell(f) {
		get('details').textContent = f ? f.info : ' ';
	}
	function focus(f) {
		focused = f;
		f.g.focus({preventScroll: false});
		tell(f);
	}

	// What was found holds the width of its outermost frames: a frame inside a found one adds nothing.
	function search(words) {
		query = words;
		let part = 0, count = 0, end = -1;
		const wanted = words.toLowerCase();
		const hits = frames.filter((f) => {
			const hit = wanted !== '' && f.name.toLowerCase().includes(wanted);
			f.g.classList.toggle('hit', hit);
			return hit;
		});
		for (const f of hits.slice().sort((a, b) => a.x - b.x || b.w - a.w)) {
			count++;
			if (f.x + f.w <= end)
				continue;
			part += f.x + f.w - Math.max(f.x, end);
			end = Math.max(end, f.x + f.w);
		}
		svg.classList.toggle('searching', wanted !== '');
		get('found').textContent = wanted === '' && !typing ? ' '
			: 'search: ' + words + (typing ? '_' : '') + (wanted === '' ? '' : '  ' + count + ' frames, ' + (100 * part / WHOLE).toFixed(1) + ' %');
	}
	function searchStart() {
		typing = true;
		search('');
	}
	function searchKey(event) {
		if (event.key === 'Enter')
			typing = false;
		else if (event.key === 'Escape') {
			typing = false;
			query = '';
		} else if (event.key === 'Backspace')
			query = query.slice(0, -1);
		else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey)
			query += event.key;
		else
			return;
		event.preventDefault();
		search(query);
	}

	// Arrow keys: up to the caller, down to the first callee, left and right to the neighbours that are shown.
	function step(key) {
		const from = focused || zoomed, shown = frames.filter((f) => f.g.style.display !== 'none');
		const row = from.y + (key === 'ArrowUp' ? -18 : key === 'ArrowDown' ? 18 : 0);
		const near = shown.filter((f) => f.y === row);
		if (key === 'ArrowUp')
			return near.find((f) => f.x <= from.x && f.x + f.w >= from.x + from.w);
		if (key === 'ArrowDown')
			return near.find((f) => f.x >= from.x && f.x + f.w <= from.x + from.w + 1);
		const at = near.indexOf(from);
		return near[at + (key === 'ArrowLeft' ? -1 : 1)];
	}
	function frameOf(target) {
		const g = target.closest && target.closest('g.f');
		return g ? frames.find((f) => f.g === g) : null;
	}
	function act(target) {
		if (target.closest('#search'))
			searchStart();
		else if (target.closest('#reset'))
			zoom(frames[0]);
		else if (frameOf(target))
			zoom(frameOf(target));
	}

	if (!zoomed)
		return;
	document.addEventListener('click', (event) => act(event.target));
	document.addEventListener('mouseover', (event) => tell(frameOf(event.target) || focused));
	document.addEventListener('focusin', (event) => {
		focused = frameOf(event.target) || focused;
		tell(focused);
	});
	document.addEventListener('keydown', (event) => {
		if (typing)
			searchKey(event);
		else if (event.key === '/') {
			event.preventDefault();
			searchStart();
		} else if (event.key === 'Escape') {
			search('');
			zoom(frames[0]);
		} else if (event.key === 'Enter' || event.key === ' ') {
			event.preventDefault();
			act(document.activeElement === svg || document.activeElement === document.body ? zoomed.g : document.activeElement);
		} else if (event.key.startsWith('Arrow')) {
			event.preventDefault();
			const next = step(event.key);
			if (next)
				focus(next);
		}
	});
	window.addEventListener('resize', layout);
	frames[0].g.setAttribute('tabindex', '0');
	layout();
	const asked = /[#&]search=([^&]*)/.exec(location.hash);
	if (asked)
		search(decodeURIComponent(asked[1]));
	svg.dataset.ready = frames.length + ':' + maxRow;
})();
