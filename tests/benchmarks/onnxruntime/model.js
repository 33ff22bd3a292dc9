// SPDX-License-Identifier: Apache-2.0
// ONNX models as bytes: as much of protobuf and of onnx.proto as a recurrence needs.
'use strict';

function varint(n) {
  const out = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) + 128);
  return Buffer.from([...out, n]);
}
const field = (number, type) => varint(number * 8 + type);
const integer = (number, n) => Buffer.concat([field(number, 0), varint(n)]);
const bytes = (number, data) => {
  const all = Buffer.from(data);
  return Buffer.concat([field(number, 2), varint(all.length), all]);
};

const elements = { float32: 1, int8: 3, int64: 7 };

/// A constant: data is a typed array.
function constant(name, type, shape, data) {
  return Buffer.concat([
    ...shape.map((extent) => integer(1, extent)), integer(2, elements[type]), bytes(8, name),
    bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  ]);
}

/// An input or result of float32.
function value(name, shape) {
  const extents = shape.map((extent) => bytes(1, integer(1, extent)));
  const tensor = Buffer.concat([integer(1, elements.float32), bytes(2, Buffer.concat(extents))]);
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, tensor))]);
}

/// Attributes are integers and lists of them.
function node(op, inputs, outputs, attributes = {}, domain = '') {
  const written = Object.entries(attributes).map(([name, given]) =>
    bytes(5, Array.isArray(given)
      ? Buffer.concat([bytes(1, name), ...given.map((n) => integer(8, n)), integer(20, 7)])
      : Buffer.concat([bytes(1, name), integer(3, given), integer(20, 2)])));
  return Buffer.concat([
    ...inputs.map((name) => bytes(1, name)), ...outputs.map((name) => bytes(2, name)),
    bytes(4, op), ...written, bytes(7, domain),
  ]);
}

function model(nodes, constants, inputs, outputs) {
  const graph = Buffer.concat([
    ...nodes.map((n) => bytes(1, n)), bytes(2, 'bench'), ...constants.map((c) => bytes(5, c)),
    ...inputs.map((i) => bytes(11, i)), ...outputs.map((o) => bytes(12, o)),
  ]);
  const opset = (domain, version) => bytes(8, Buffer.concat([bytes(1, domain), integer(2, version)]));
  return Buffer.concat([
    integer(1, 8), opset('', 17), opset('com.microsoft', 1), bytes(7, graph),
  ]);
}

module.exports = { constant, value, node, model };
