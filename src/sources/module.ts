import { pathToFileURL } from 'node:url';
import { isKnownError } from '../core/errors.ts';
import { inputFailure } from '../core/input-failure.ts';
import type { RecordSource, SourceItem } from '../core/record.ts';
import type { ModuleSource } from '../core/source.ts';
import { asAsync, type ReadFields, valuesToItems } from './program-values.ts';
import { confine, openRegular, type SourcePlace } from './source-path.ts';
import { untilAborted } from './until-aborted.ts';

/**
 * `source: {module: ./build.js}`: a record for each item of what the module exports: a list, an iterable, an async
 * iterable, or a function of `{signal}` that gives one. Throws InputError `source_module` when it cannot be loaded, has
 * no such export, or throws.
 */
export function openModule(source: ModuleSource, place: SourcePlace, readFields: ReadFields): RecordSource {
  return { items: (signal) => readItems(source, place, readFields, signal) };
}

async function* readItems(
  source: ModuleSource,
  place: SourcePlace,
  readFields: ReadFields,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  const url = await moduleUrl(source.path, place);
  yield* valuesToItems(valuesOf(source, url, signal), source.path, readFields, signal);
}

async function moduleUrl(file: string, place: SourcePlace): Promise<string> {
  const path = await confine(file, place);
  const { handle } = await openRegular(path, file);
  await handle.close();
  return pathToFileURL(path).href;
}

/** The values that the module gives; whatever its code throws becomes an InputError. */
async function* valuesOf(source: ModuleSource, url: string, signal: AbortSignal): AsyncGenerator<unknown> {
  try {
    const module: unknown = await import(url);
    const exported = exportOf(module, source);
    const given: unknown = typeof exported === 'function' ? await exported({ signal }) : exported;
    yield* untilAborted(iterate(given, source), signal);
  } catch (cause) {
    if (signal.aborted || isKnownError(cause)) throw cause;
    const line = lineIn(cause, url);
    throw inputFailure({
      code: 'source_module',
      file: source.path,
      line,
      problem: `the module failed: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}`,
      next: `mend ${source.path}`,
      cause,
    });
  }
}

function exportOf(module: unknown, { path, exportName }: ModuleSource): unknown {
  const names = exportName === null ? ['default', 'records'] : [exportName];
  // An import gives a namespace object.
  const found = names.find((name) => Reflect.has(module as object, name));
  if (found !== undefined) return Reflect.get(module as object, found);
  const others = Object.keys(module as object);
  throw inputFailure({
    code: 'source_module',
    file: path,
    problem:
      exportName === null
        ? 'it has neither a default export nor one called "records"'
        : `it has no export called "${exportName}"`,
    next:
      others.length === 0
        ? 'write: export default function* () { yield {name: "Ada"}; }'
        : `name one of its exports (${others.join(', ')}): module: {file: ${path}, export: ${others[0]}}`,
  });
}

// An iterator that was exported instead of a function is empty the second time, which is not what it says.
const readBefore = new WeakSet<object>();

function iterate(given: unknown, { path }: ModuleSource): AsyncIterable<unknown> {
  const refuse = (problem: string): Error =>
    inputFailure({
      code: 'source_module',
      file: path,
      problem,
      next: 'export a list, an (async) iterable, or a function that gives one',
    });
  if (typeof given !== 'object' || given === null)
    throw refuse(`what it exports gives ${given === null ? 'null' : `a ${typeof given}`}, not records`);
  const isAsync = Symbol.asyncIterator in given;
  if (!isAsync && !(Symbol.iterator in given))
    throw refuse('what it exports gives one object, not a list of records');
  if ('next' in given) {
    if (readBefore.has(given)) throw refuse('it exports an iterator, which can be read only once');
    readBefore.add(given);
  }
  // Looked at above.
  return isAsync ? (given as AsyncIterable<unknown>) : asAsync(given as Iterable<unknown>);
}

/** The line of the module that an error comes from, where its stack says so. */
function lineIn(error: unknown, url: string): number | null {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = stack.indexOf(`${url}:`);
  const [, line] = /^:(\d+)/.exec(stack.slice(place + url.length)) ?? [];
  return place === -1 || line === undefined ? null : Number(line);
}
