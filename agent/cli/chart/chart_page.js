// SPDX-License-Identifier: Apache-2.0
// Hover, search and the line under the pointer. Without it the page is a picture with titles.
'use strict';

(() => {
	const report = JSON.parse(document.getElementById('report').textContent);
	const svg = document.getElementById('waterfall');
	const tip = document.getElementById('tip');
	const search = document.getElementById('search');
	const critical = document.getElementById('critical');
	const count = document.getElementById('count');
	const size = Object.fromEntries(Object.entries(svg.dataset).map(([name, value]) => [name, Number(value)]));
	const rows = [...svg.querySelectorAll('.row')];
	const headings = [...svg.querySelectorAll('.heading')];

	const seconds = (ns) => `+${(ns / 1e9).toFixed(1)}s`;

	function matches(row, words) {
		const data = report.chart[row.dataset.row];
		const text = [data.label, data.detail, ...data.bars.flatMap((bar) => [bar.title, ...bar.lines])].join('\n').toLowerCase();

		return words.every((word) => text.includes(word)) && (!critical.checked || data.critical);
	}

	// Rows that do not match go, those below move up.
	function layout() {
		const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
		let y = size.top;
		let shown = 0;

		for (const heading of headings) {
			const own = rows.filter((row) => row.dataset.group === heading.dataset.group);
			const kept = own.filter((row) => matches(row, words));

			own.forEach((row) => row.toggleAttribute('hidden', !kept.includes(row)));
			heading.toggleAttribute('hidden', kept.length === 0);
			if (kept.length === 0)
				continue;
			heading.setAttribute('transform', `translate(0,${y})`);
			y += size.groupHeight;
			for (const row of kept) {
				row.setAttribute('transform', `translate(0,${y})`);
				y += size.rowHeight;
			}
			shown += kept.length;
		}
		// a line up to the step before makes sense only where that is shown
		svg.querySelectorAll('.elbow').forEach((elbow) => elbow.toggleAttribute('hidden', words.length > 0));
		svg.setAttribute('height', y + 12);
		count.textContent = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
	}

	function line(text, tag = 'div') {
		const element = document.createElement(tag);

		element.textContent = text;
		return element;
	}

	function describe(row, bar) {
		const lines = [line(row.label, 'b')];

		if (bar) {
			lines.push(line(bar.title));
			lines.push(line(bar.share ? 'so much of the time, not when' :
				`${seconds(bar.from_ns)} to ${bar.open ? 'now' : seconds(bar.to_ns)}`));
			if (bar.critical)
				lines.push(line('on the critical path'));
			if (bar.reconstructed)
				lines.push(line('reconstructed from timestamps found afterwards'));
			lines.push(...bar.lines.map((text) => line(text)));
		}
		if (row.detail && !(bar && bar.title.includes(row.detail)))
			lines.push(line(row.detail));
		return lines;
	}

	function show(target, x, y) {
		const row = target.closest && target.closest('.row');

		tip.hidden = !row;
		if (!row)
			return;
		const data = report.chart[row.dataset.row];
		const bar = target.closest('.bar');

		tip.replaceChildren(...describe(data, bar && data.bars[bar.dataset.bar]));
		const box = tip.getBoundingClientRect();

		tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - box.width - 8))}px`;
		tip.style.top = `${y + 18 + box.height > innerHeight ? Math.max(8, y - box.height - 12) : y + 18}px`;
	}

	const cursor = document.createElementNS(svg.namespaceURI, 'line');
	const moment = document.createElementNS(svg.namespaceURI, 'text');

	function point(event) {
		const x = event.clientX - svg.getBoundingClientRect().left;
		const part = (x - size.labelWidth) / size.plotWidth;
		const inside = part >= 0 && part <= 1;

		cursor.toggleAttribute('hidden', !inside);
		moment.toggleAttribute('hidden', !inside);
		if (inside) {
			cursor.setAttribute('x1', x);
			cursor.setAttribute('x2', x);
			moment.setAttribute('x', x + 4);
			moment.textContent = seconds(part * report.total_ns);
		}
		show(event.target, event.clientX, event.clientY);
	}

	cursor.setAttribute('class', 'cursor');
	cursor.setAttribute('y1', '0');
	cursor.setAttribute('y2', '100%');
	moment.setAttribute('class', 'cursor-text');
	moment.setAttribute('y', size.top);
	cursor.toggleAttribute('hidden', true);
	moment.toggleAttribute('hidden', true);
	svg.append(cursor, moment);
	// the tooltip says more than the browser's own
	svg.querySelectorAll('title').forEach((title) => title.remove());
	rows.forEach((row) => row.setAttribute('tabindex', '0'));
	svg.addEventListener('mousemove', point);
	svg.addEventListener('mouseleave', () => {
		tip.hidden = true;
		cursor.toggleAttribute('hidden', true);
		moment.toggleAttribute('hidden', true);
	});
	svg.addEventListener('focusin', (event) => {
		const box = event.target.getBoundingClientRect();

		show(event.target, box.left + size.labelWidth, box.bottom - 12);
	});
	svg.addEventListener('focusout', () => {
		tip.hidden = true;
	});
	search.addEventListener('input', layout);
	critical.addEventListener('change', layout);
	document.addEventListener('keydown', (event) => {
		if (event.key === '/' && document.activeElement !== search) {
			event.preventDefault();
			search.focus();
		} else if (event.key === 'Escape') {
			search.value = '';
			layout();
		}
	});
	critical.parentElement.hidden = !report.chart.some((row) => row.critical);
	document.getElementById('tools').hidden = false;
	layout();
})();
