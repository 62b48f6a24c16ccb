import { inputFailure } from '../core/input-failure.ts';
import type { Source } from '../core/job-file.ts';
import type { RecordSource } from '../core/record.ts';
import { openAxes } from './axes.ts';
import { openCsv } from './csv.ts';
import { openDir } from './dir.ts';
import { openJson } from './json.ts';
import { openJsonl } from './jsonl.ts';
import { openRequests } from './requests.ts';
import type { SourcePlace } from './source-path.ts';

/** The records of a job file's `source`. Nothing is opened before they are asked for. */
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
  };
}

function openKind(source: Source, place: SourcePlace): RecordSource {
  switch (source.kind) {
    case 'csv':
      return openCsv(source.path, place);
    case 'jsonl':
      return openJsonl(source.path, place);
    case 'json':
      return openJson(source.path, place);
    case 'requests':
      return openRequests(source.path, place);
    case 'axes':
      return openAxes(source.axes);
    case 'dir':
      return openDir(source, place);
  }
}

function noRecords(source: Source): Error {
  switch (source.kind) {
    case 'axes':
      return inputFailure({ code: 'no_records', file: 'axes', problem: 'the axes give no record' });
    case 'dir':
      return inputFailure({
        code: 'no_records',
        file: source.glob,
        problem: 'no file matches the glob',
        next: 'check "source.dir" in the job file; it is relative to it',
      });
    case 'csv':
      return inputFailure({
        code: 'no_records',
        file: source.path,
        problem: 'there is no record in it (a first line with the names of the columns, then a row a record)',
      });
    default:
      return inputFailure({ code: 'no_records', file: source.path, problem: 'there is no record in it' });
  }
}
