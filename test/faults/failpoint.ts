import fs from 'node:fs';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * A preload (`node --import`) that lets something happen to the program at an exact point, by what it does to Node's own
 * modules: the program itself has no such points, and nothing of this is in the package.
 *
 * `FAILPOINT=point=action[@n]`, at the n-th time (the first where no n is given):
 *
 * - `upload.first`: the first bytes of a create leave. `fence.answer`: a listing was answered while a create is open.
 * - `tail.check`: the seal is committed, and the connection is looked at once more before the tail.
 * - `tail.before`, `tail.after`: the last two bytes of a create are about to leave; have left this process.
 * - `create.answer`: the head of the answer to a create is here, and nobody has read it.
 * - `poll.answer`, `results.answer`, `cancel.answer`: the same of a listing without a create, of results, of a cancel.
 * - `open:REGEX`, `rename:REGEX`, `unlink:REGEX`: before a file whose path matches is opened, becomes that name, goes.
 *
 * Actions: `kill` (SIGKILL), `stop` (SIGSTOP), `throw:CODE` (files only); `wall:MS` and `monotonic:MS`: that clock jumps by so many
 * milliseconds, as it does when a machine was asleep or somebody sets it.
 */
export const FAILPOINTS = fileURLToPath(import.meta.url);

const { point, action, times } = readSpec(process.env['FAILPOINT'] ?? '');
let hits = 0;

function readSpec(spec: string): { point: string; action: string; times: number } {
  const {
    point = '',
    action = '',
    times = '1',
  } = /^(?<point>.+)=(?<action>[^=@]+)(?:@(?<times>\d+))?$/.exec(spec)?.groups ?? {};
  return { point, action, times: Number(times) };
}

function reach(name: string): void {
  if (name !== point) return;
  hits += 1;
  if (hits !== times) return;
  if (action === 'kill') process.kill(process.pid, 'SIGKILL');
  else if (action === 'stop') process.kill(process.pid, 'SIGSTOP');
  else if (action.startsWith('wall:')) shiftWall(Number(action.slice('wall:'.length)));
  else if (action.startsWith('monotonic:')) shiftMonotonic(Number(action.slice('monotonic:'.length)));
  else throw Object.assign(new Error(`${action}, made by a test`), { code: action.replace('throw:', '') });
}

function shiftWall(ms: number): void {
  globalThis.Date = new Proxy(Date, {
    construct: (target, args) =>
      args.length === 0 ? new target(target.now() + ms) : Reflect.construct(target, args),
    get: (target, name) => (name === 'now' ? () => target.now() + ms : Reflect.get(target, name)),
  });
}

function shiftMonotonic(ms: number): void {
  const now = performance.now.bind(performance);
  performance.now = () => now() + ms;
}

const [kind, pattern] = [point.slice(0, point.indexOf(':')), point.slice(point.indexOf(':') + 1)];

function reachFile(name: string, path: unknown): void {
  if (kind === name && new RegExp(pattern).test(String(path))) reach(point);
}

let openCreates = 0;
/** A listing was answered while a create was open. */
let isFenced = false;

function isCreate(request: http.ClientRequest): boolean {
  return request.method === 'POST' && request.path.endsWith('/v1/messages/batches');
}

function answerPoint(request: http.ClientRequest): string {
  if (isCreate(request)) return 'create.answer';
  if (request.path.endsWith('/cancel')) return 'cancel.answer';
  if (request.path.endsWith('/results')) return 'results.answer';
  if (openCreates === 0) return 'poll.answer';
  isFenced = true;
  return 'fence.answer';
}

function watch(request: http.ClientRequest): void {
  if (watched.has(request)) return;
  watched.add(request);
  if (isCreate(request)) {
    openCreates += 1;
    request.once('close', () => {
      openCreates -= 1;
    });
  }
  request.prependOnceListener('response', () => reach(answerPoint(request)));
}

const watched = new WeakSet<http.ClientRequest>();

if (point !== '') {
  const { write, end } = http.ClientRequest.prototype;
  http.ClientRequest.prototype.write = function (this: http.ClientRequest, ...args: unknown[]) {
    watch(this);
    if (isCreate(this)) reach('upload.first');
    return Reflect.apply(write, this, args);
  };
  http.ClientRequest.prototype.end = function (this: http.ClientRequest, ...args: unknown[]) {
    watch(this);
    if (isCreate(this)) {
      reach('tail.before');
      this.once('finish', () => reach('tail.after'));
    }
    return Reflect.apply(end, this, args);
  };
  const length = Object.getOwnPropertyDescriptor(http.OutgoingMessage.prototype, 'writableLength');
  // The one of its parent cannot be replaced, so this one stands before it.
  Object.defineProperty(http.ClientRequest.prototype, 'writableLength', {
    get(this: http.ClientRequest): unknown {
      if (isFenced && isCreate(this)) reach('tail.check');
      return length?.get?.call(this);
    },
  });
  const { openSync, renameSync, unlinkSync } = fs;
  fs.openSync = (...args) => {
    reachFile('open', args[0]);
    return openSync(...args);
  };
  fs.renameSync = (...args) => {
    reachFile('rename', args[1]);
    renameSync(...args);
  };
  fs.unlinkSync = (...args) => {
    reachFile('unlink', args[0]);
    unlinkSync(...args);
  };
  syncBuiltinESMExports();
}
