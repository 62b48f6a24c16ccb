import type { RecordSource } from '../core/record.ts';
import { readSeveral } from './several-files.ts';
import { openSourceFile } from './source-file.ts';
import { eachLine, type LineReader, readSourceLines } from './source-lines.ts';
import type { SourcePlace } from './source-path.ts';

/** Files of which every line is an item by itself; blank lines are passed over and counted. */
export function openLines(
  paths: readonly string[],
  place: SourcePlace,
  readLine: LineReader['line'],
): RecordSource {
  return eachLine(readLine, (reader, signal) =>
    readSeveral(
      paths,
      place,
      async function* (file) {
        yield* readSourceLines(await openSourceFile(file, place, signal), reader);
      },
      signal,
    ),
  );
}
