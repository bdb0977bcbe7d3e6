// SPDX-License-Identifier: Apache-2.0
// One dashboard drawn with Grafana's own components, its queries answered by a real Prometheus. ?board=FILE&prometheus=PORT&seconds=N
// Every panel leaves a data-panel element with the number of series it got; data-ready on the body says that all are there.
import 'uplot/dist/uPlot.min.css';
import React, { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createTheme, createDataFrame, FieldType, getDisplayProcessor, ThemeContext, LoadingState } from '@grafana/data';
import { PanelChrome, TimeSeries, BigValue, BigValueColorMode, BigValueGraphMode, LegendDisplayMode, GlobalStyles } from '@grafana/ui';

const asked = new URLSearchParams(location.search);
const theme = createTheme({ colors: { mode: 'dark' } });
const SECONDS = Number(asked.get('seconds') || 60), TO = Math.floor(Date.now() / 1000), FROM = TO - SECONDS;
const CELL = { width: 66, height: 36, gap: 8 };

const substitute = (expr) => expr.replaceAll('$__rate_interval', '5s').replaceAll('$job', '.+').replaceAll('$instance', '.+');

async function query(expr) {
	const words = new URLSearchParams({ query: substitute(expr), start: FROM, end: TO, step: '1' });
	const answer = await fetch(`http://127.0.0.1:${asked.get('prometheus')}/api/v1/query_range?` + words);
	return (await answer.json()).data.result;
}

const legend = (format, labels) => (format || '').replace(/{{\s*(\w+)\s*}}/g, (all, name) => labels[name] ?? '') || Object.values(labels).join(' ') || 'value';

function configOf(panel, name) {
	const { defaults, overrides } = panel.fieldConfig, config = structuredClone({ ...defaults, displayName: name });
	for (const override of overrides)
		if (override.matcher.options === name)
			for (const property of override.properties)
				config[property.id] = property.value;
	return config;
}

function frameOf(panel, series, name) {
	const frame = createDataFrame({ fields: [
		{ name: 'Time', type: FieldType.time, values: series.values.map(([t]) => t * 1000), config: {} },
		{ name, type: FieldType.number, values: series.values.map(([, v]) => Number(v)), config: configOf(panel, name) },
	] });
	frame.fields[1].display = getDisplayProcessor({ field: frame.fields[1], theme });
	frame.fields[1].state = { seriesIndex: 0 };
	return frame;
}

async function framesOf(panel) {
	const answers = await Promise.all((panel.targets || []).map(async (one) => (await query(one.expr)).map((series) => ({ series, name: legend(one.legendFormat, series.metric) }))));
	return answers.flat().map(({ series, name }) => frameOf(panel, series, name));
}

const timeRange = { from: { valueOf: () => FROM * 1000 }, to: { valueOf: () => TO * 1000 }, raw: { from: 'now-1m', to: 'now' } };

// Grafana's heatmap panel is not on npm: the same numbers as cells.
function Heatmap({ panel, frames, width, height }) {
	const edges = frames.map((f) => f.fields[1].name).sort((a, b) => (a === '+Inf') - (b === '+Inf') || Number(a) - Number(b));
	const byEdge = Object.fromEntries(frames.map((f) => [f.fields[1].name, f]));
	const cells = [];
	let most = 1e-9;
	edges.forEach((edge, row) => byEdge[edge].fields[0].values.forEach((time, i) => {
		const below = row ? byEdge[edges[row - 1]].fields[1].values[byEdge[edges[row - 1]].fields[0].values.indexOf(time)] || 0 : 0;
		const count = byEdge[edge].fields[1].values[i] - below;
		if (count > 1e-9)
			cells.push({ row, column: time / 1000 - FROM, count });
		most = Math.max(most, count);
	}));
	const used = cells.map((c) => c.row), low = Math.min(...used), high = Math.max(...used), tall = (height - 20) / Math.max(1, high - low + 1);
	const display = getDisplayProcessor({ field: { type: FieldType.number, config: { unit: 's' } }, theme });
	return <svg width={width} height={height}>
		{cells.map((c, i) => <rect key={i} x={60 + c.column / SECONDS * (width - 70)} y={(high - c.row) * tall} width={(width - 70) / SECONDS + 0.5}
			height={tall} fill="#ff9830" opacity={0.1 + 0.9 * Math.sqrt(c.count / most)} />)}
		{[low, Math.floor((low + high) / 2), high].map((row) => { const d = display(Number(edges[row])); return <text key={row} x="2" y={(high - row) * tall + 12} fill="#ccc" fontSize="11">{edges[row] === '+Inf' ? 'more' : d.text + (d.suffix || '')}</text>; })}
	</svg>;
}

function Body({ panel, frames, width, height }) {
	if (!frames.length)
		return <div>no data</div>;
	if (panel.type === 'stat') {
		const frame = frames[0], field = frame.fields[1], values = field.values.filter((v) => !Number.isNaN(v)), last = values[values.length - 1];
		return <BigValue theme={theme} width={width} height={height} value={field.display(last)} graphMode={BigValueGraphMode.Area} colorMode={BigValueColorMode.Value}
			sparkline={{ x: frame.fields[0], y: { ...field, state: { range: { min: Math.min(...values), max: Math.max(...values), delta: Math.max(...values) - Math.min(...values) } } } }} />;
	}
	if (panel.type === 'heatmap')
		return <Heatmap panel={panel} frames={frames} width={width} height={height} />;
	frames.forEach((frame, i) => { frame.fields[1].state = { ...frame.fields[1].state, seriesIndex: i }; });
	const options = { legend: { showLegend: true, displayMode: LegendDisplayMode.List, placement: 'bottom', calcs: panel.options.legend.calcs } };
	return <TimeSeries frames={frames} structureRev={1} width={width} height={height} timeRange={timeRange} timeZone="utc" legend={options.legend}
		options={options} replaceVariables={(text) => text} tweakScale={(o) => o} tweakAxis={(o) => o} />;
}

function Panel({ panel, frames }) {
	const { x, y, w, h } = panel.gridPos, width = w * CELL.width - CELL.gap, height = h * CELL.height - CELL.gap;
	const style = { position: 'absolute', left: x * CELL.width, top: 50 + y * CELL.height, width, height };
	if (panel.type === 'row')
		return <div style={{ ...style, color: '#ccc', fontWeight: 500, paddingTop: 6 }}>{panel.title}</div>;
	return <div style={style} data-panel={panel.title} data-series={frames.length}>
		<PanelChrome title={panel.title} description={panel.description} width={width} height={height} loadingState={LoadingState.Done}>
			{(innerWidth, innerHeight) => <Body panel={panel} frames={frames} width={innerWidth} height={innerHeight} />}
		</PanelChrome>
	</div>;
}

function Board({ board }) {
	const [frames, setFrames] = useState(null);
	useEffect(() => { Promise.all(board.panels.map(framesOf)).then(setFrames, (error) => { document.body.dataset.error = String(error); }); }, []);
	useEffect(() => { if (frames) setTimeout(() => { document.body.dataset.ready = '1'; }, 500); }, [frames]);
	if (!frames)
		return null;
	return <ThemeContext.Provider value={theme}>
		<GlobalStyles isExtensionSidebarOpen={false} hackNoBackdropBlur />
		<h2 style={{ color: '#eee', margin: '8px 0', font: '500 20px sans-serif' }}>{board.title}</h2>
		{board.panels.map((panel, i) => <Panel key={panel.id} panel={panel} frames={frames[i]} />)}
	</ThemeContext.Provider>;
}

document.body.style.cssText = `background:${theme.colors.background.canvas};margin:8px;font-family:sans-serif;color:#ccc`;
fetch(asked.get('board')).then((answer) => answer.json()).then((board) => createRoot(document.getElementById('root')).render(<Board board={board} />));
