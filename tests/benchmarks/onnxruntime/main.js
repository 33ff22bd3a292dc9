#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime's jobs: protocol.hpp in Node.js. TEMPO_ONNXRUNTIME is the folder of the package
// onnxruntime-node; its binding is called without the promise that the package puts around it.
'use strict';

const fs = require('fs');
const path = require('path');
const { modelOf } = require('./cells.js');

const folder = process.env.TEMPO_ONNXRUNTIME;
const { binding, initOrt } = require(path.join(folder, 'dist', 'binding.js'));
const { Tensor } = require(require.resolve('onnxruntime-common', { paths: [folder] }));

class Work {
  constructor(job, made) {
    initOrt();
    const threads = Number(process.env.BENCH_THREADS || job.threads);
    const options = {
      intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential',
      graphOptimizationLevel: 'all', extra: { session: { intra_op: { allow_spinning: '1' } } },
    };
    this.session = new binding.InferenceSession();
    const b = made.bytes;
    this.session.loadModel(b.buffer, b.byteOffset, b.byteLength, options);
    this.carried = made.carried;
    this.feeds = {};
    for (const [name, { shape, data }] of Object.entries(made.feeds))
      this.feeds[name] = new Tensor('float32', data, shape);
    this.fetches = Object.fromEntries(['y', ...made.carried.map((s) => `${s}_after`)].map((f) => [f, null]));
    this.options = {};
  }
  run() {
    const out = this.session.run(this.feeds, this.fetches, this.options);
    for (const s of this.carried) this.feeds[`${s}_before`] = out[`${s}_after`];
    return out.y;
  }
  results() {
    const runs = Array.from({ length: this.carried.length > 0 ? 20 : 1 }, () => Array.from(this.run().data));
    return Float64Array.from(runs.flat());
  }
}

const modes = ['forward', 'stream', 'int8', 'int8_stream'];

function answer(command, rest, state) {
  if (command === 'prepare') {
    const [mode, cell, dtype, ...sizes] = rest.split(' ');
    const [batch, time, features, units, threads] = sizes.map(Number);
    const job = { mode, cell, dtype, batch, time, features, units, threads };
    const made = modes.includes(mode) ? modelOf(job) : null;
    if (!made) return [`unsupported no ${mode} of ${cell} in ${dtype}\n`];
    state.work = new Work(job, made);
    return ['ok\n'];
  }
  if (command === 'memory') {
    const kilobytes = /VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1];
    return [`${kilobytes / 1024}\n`];
  }
  if (command === 'run') {
    const start = process.hrtime.bigint();
    for (let n = Number(rest); n > 0; --n) state.work.run();
    return [`${Number(process.hrtime.bigint() - start) / 1e9}\n`];
  }
  if (command === 'results') {
    const y = state.work.results();
    return [`tensor y ${y.length}\n`, Buffer.from(y.buffer), 'end\n'];
  }
  if (command === 'allocations') return ['-1\n'];
  throw new Error(`unknown command '${command}'`);
}

function serve() {
  const state = {}, part = Buffer.alloc(4096);
  let text = '';
  for (;;) {
    const end = text.indexOf('\n');
    if (end < 0) {
      const n = fs.readSync(0, part, 0, part.length, null);
      if (n === 0) return;
      text += part.toString('utf8', 0, n);
      continue;
    }
    const [, command, rest] = /^(\S*) ?(.*)$/.exec(text.slice(0, end));
    text = text.slice(end + 1);
    let parts;
    try {
      parts = answer(command, rest, state);
    } catch (error) {
      parts = [`error ${String(error.message).replace(/\n/g, ' ')}\n`];
    }
    for (const p of parts) {
      const data = Buffer.from(p);
      for (let at = 0; at < data.length;) at += fs.writeSync(1, data, at);
    }
  }
}

serve();
