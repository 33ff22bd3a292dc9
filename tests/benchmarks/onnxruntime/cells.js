// SPDX-License-Identifier: Apache-2.0
// The weights of cells.hpp, and the recurrences as ONNX has them.
'use strict';

const { constant, value, node, model } = require('./model.js');

const mask = (1n << 64n) - 1n;

/// numbers() of cells.hpp: the same values to the bit.
function numbers(name, count, spread = 1) {
  let seed = 14695981039346656037n;
  for (const c of Buffer.from(name)) seed = ((seed ^ BigInt(c)) * 1099511628211n) & mask;
  const out = new Float32Array(count);
  for (let i = 0; i < count; ++i) {
    let z = (seed + BigInt(i + 1) * 0x9e3779b97f4a7c15n) & mask;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    out[i] = spread * (2 * (Number((z ^ (z >> 31n)) >> 11n) * 2 ** -53) - 1);
  }
  return out;
}
const matrix = (name, rows, columns) => numbers(name, rows * columns, 1 / Math.sqrt(rows));

// ONNX's op, and where its gates stand among Keras's: i f g o, z r h.
const ops = {
  LSTM: { op: 'LSTM', gates: [0, 3, 1, 2] },
  GRU: { op: 'GRU', gates: [0, 1, 2], attributes: { linear_before_reset: 1 } },
  SimpleRNN: { op: 'RNN', gates: [0] },
};

/// [rows, gates * units] as [gates * units, rows], the gates in ONNX's order.
function turned(w, rows, units, gates) {
  const n = gates.length * units;
  const out = new Float32Array(rows * n);
  gates.forEach((from, to) => {
    for (let u = 0; u < units; ++u)
      for (let r = 0; r < rows; ++r)
        out[(to * units + u) * rows + r] = w[r * n + from * units + u];
  });
  return out;
}

/// Each row of w [n, rows] as a scale times integers; DynamicQuantizeLSTM takes [rows, n].
function rounded(w, n, rows) {
  const q = new Int8Array(n * rows), scales = new Float32Array(n);
  for (let j = 0; j < n; ++j) {
    const row = w.subarray(j * rows, (j + 1) * rows);
    scales[j] = row.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    for (let r = 0; r < rows; ++r) q[r * n + j] = Math.round(row[r] / scales[j]);
  }
  return { q, scales };
}

/// The model of a job, with its inputs by name and the name of its result.
function modelOf(job) {
  const cell = ops[job.cell];
  if (!cell || job.dtype !== 'float32') return null;
  const { batch, features, units } = job;
  const streams = job.mode.endsWith('stream'), inInt8 = job.mode.startsWith('int8');
  if (inInt8 && job.cell !== 'LSTM') return null;
  const time = streams ? 1 : job.time, n = cell.gates.length * units;
  const order = (w, rows) => turned(w, rows, units, cell.gates);
  const kernel = order(matrix('kernel', features, n), features);
  const recurrent = order(matrix('recurrent_kernel', units, n), units);
  // Of a GRU both rows of the bias; else the second one, of the recurrent side, is zero.
  const given = numbers('bias', job.cell === 'GRU' ? 2 * n : n, 0.1), bias = new Float32Array(2 * n);
  for (let at = 0; at < given.length; at += n)
    bias.set(order(given.subarray(at, at + n), 1), at);

  const states = job.cell === 'LSTM' ? ['h', 'c'] : ['h'];
  const constants = [constant('b', 'float32', [1, 2 * n], bias)];
  const inputs = [value('x', [batch, time, features])];
  const feeds = { x: { shape: [batch, time, features], data: numbers('x', batch * time * features) } };
  const initial = states.map((s) => (streams ? `${s}_before` : ''));
  const weights = inInt8 ? ['w8', 'r8'] : ['w', 'r'];
  const sides = [['w', kernel, features], ['r', recurrent, units]];
  const tail = [];
  for (const [name, w, rows] of sides) {
    if (!inInt8) {
      constants.push(constant(name, 'float32', [1, n, rows], w));
      continue;
    }
    const { q, scales } = rounded(w, n, rows);
    constants.push(constant(`${name}8`, 'int8', [1, rows, n], q),
      constant(`${name}_scale`, 'float32', [1, n], scales),
      constant(`${name}_zero`, 'int8', [1, n], new Int8Array(n)));
    tail.push(`${name}_scale`, `${name}_zero`);
  }
  const operands = ['x_by_time', ...weights, 'b', '', ...initial];
  if (inInt8) operands.push('', ...tail);
  const nodes = [
    node('Transpose', ['x'], ['x_by_time'], { perm: [1, 0, 2] }),
    node(inInt8 ? 'DynamicQuantizeLSTM' : cell.op, operands,
      ['y_by_time', ...states.map((s) => `${s}_after`)],
      { hidden_size: units, ...cell.attributes }, inInt8 ? 'com.microsoft' : ''),
  ];
  const outputs = [value('y', streams ? [batch, 1] : [batch, time, units])];
  if (!streams) {
    constants.push(constant('one', 'int64', [1], new BigInt64Array([1n])));
    nodes.push(node('Squeeze', ['y_by_time', 'one'], ['all'], {}),
      node('Transpose', ['all'], ['y'], { perm: [1, 0, 2] }));
    return { bytes: model(nodes, constants, inputs, outputs), feeds, carried: [] };
  }
  constants.push(
    constant('flat', 'int64', [2], new BigInt64Array([BigInt(batch), BigInt(units)])),
    constant('dense', 'float32', [units, 1], matrix('dense_kernel', units, 1)),
    constant('dense_bias', 'float32', [1], numbers('dense_bias', 1, 0.1)));
  nodes.push(node('Reshape', ['h_after', 'flat'], ['last']), node('MatMul', ['last', 'dense'], ['product']),
    node('Add', ['product', 'dense_bias'], ['y']));
  for (const s of states) {
    inputs.push(value(`${s}_before`, [1, batch, units]));
    outputs.push(value(`${s}_after`, [1, batch, units]));
    feeds[`${s}_before`] = { shape: [1, batch, units], data: new Float32Array(batch * units) };
  }
  return { bytes: model(nodes, constants, inputs, outputs), feeds, carried: states };
}

module.exports = { modelOf };
