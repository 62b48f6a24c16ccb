import { inputFailure } from '../core/input-failure.ts';
import type { RecordSource } from '../core/record.ts';
import { type Source, STDIN } from '../core/source.ts';
import { openAxes } from './axes.ts';
import { openCommand } from './command.ts';
import { openCsv } from './csv.ts';
import { openDir } from './dir.ts';
import { openGiven } from './given.ts';
import { openJson } from './json.ts';
import { openJsonl, readJsonRecord } from './jsonl.ts';
import { openModule } from './module.ts';
import { openParquet } from './parquet.ts';
import { refuseReady } from './ready-record.ts';
import { openRequests } from './requests.ts';
import type { SourcePlace } from './source-path.ts';
import { openSqlite } from './sqlite.ts';
import { openTextFiles } from './text.ts';

/** The records of a job file's `source`. Nothing is opened, loaded or started before they are asked for. */
export function openSource(source: Source, place: SourcePlace): RecordSource {
  const opened = openKind(source, place);
  return {
    async *items(signal) {
      let any = false;
      for await (const chunk of opened.items(signal)) {
        any = any || chunk.length > 0;
        yield chunk;
      }
      if (!any) throw noRecords(source);
    },
    skipped: () => opened.skipped?.() ?? 0,
  };
}

function openKind(source: Source, place: SourcePlace): RecordSource {
  switch (source.kind) {
    case 'csv':
      return openCsv(source, place);
    case 'jsonl':
      return openJsonl(source.paths, place);
    case 'json':
      return openJson(source.paths, place);
    case 'text':
      return openTextFiles(source, place);
    case 'parquet':
      return openParquet(source, place);
    case 'sqlite':
      return openSqlite(source, place);
    case 'module':
      return openModule(source, place, (fields, at) => refuseReady({ kind: 'record', fields, at }, 'module'));
    case 'command':
      return openCommand(source, place, (text, at, bytes) =>
        refuseReady(readJsonRecord(text, at, bytes), 'command'),
      );
    case 'requests':
      return openRequests(source, place);
    case 'given':
      return openGiven(place, 'records', (fields, at) => ({ kind: 'record', fields, at }));
    case 'axes':
      return openAxes(source.axes);
    case 'dir':
      return openDir(source, place);
  }
}

function noRecords(source: Source): Error {
  const none = (file: string, problem: string, next?: string): Error =>
    inputFailure({ code: 'no_records', file, problem, ...(next === undefined ? {} : { next }) });
  switch (source.kind) {
    case 'axes':
      return none('axes', 'the axes give no record');
    case 'dir':
      return none(
        source.glob,
        'no file matches the glob',
        'check "source.dir" in the job file; it is relative to it',
      );
    case 'csv':
      return none(
        filesOf(source.paths),
        'there is no record in it (a first line with the names of the columns, then a row a record)',
      );
    case 'sqlite':
      return none(source.path, 'the query gives no row');
    case 'module':
      return none(source.path, 'the module gives no record');
    case 'command':
      return none(source.command.join(' '), 'the program printed no record');
    case 'requests':
      return source.from.kind === 'files'
        ? none(filesOf(source.from.paths), 'there is no record in it')
        : noRecords(source.from);
    case 'given':
      return none('what was given', 'there is no record in it');
    default:
      return none(filesOf(source.paths), 'there is no record in it');
  }
}

function filesOf(paths: readonly string[]): string {
  return paths.map((path) => (path === STDIN ? 'stdin' : path)).join(', ');
}
