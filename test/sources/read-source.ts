import type { JobFileProblem } from '../../src/core/job-file-problems.ts';
import type { SourceItem } from '../../src/core/record.ts';
import type { Source } from '../../src/core/source.ts';
import { toSource } from '../../src/core/source-check.ts';
import { type SourceInput, sourceSchema } from '../../src/core/source-schema.ts';
import { openSource } from '../../src/sources/open-source.ts';

/** A source as the key `source` of a job file says it. */
export function sourceOf(input: SourceInput): Source {
  const problems: JobFileProblem[] = [];
  const source = toSource(sourceSchema.parse(input), problems);
  if (source === null || problems.length > 0) throw new Error(JSON.stringify(problems));
  return source;
}

/** All items of a source whose job file stands at the root. */
export async function readSource(root: string, source: Source, dir = ''): Promise<readonly SourceItem[]> {
  const items: SourceItem[] = [];
  for await (const chunk of openSource(source, { root, dir }).items(new AbortController().signal))
    items.push(...chunk);
  return items;
}

/** The columns of each record; a problem fails the test. */
export async function readFields(
  root: string,
  source: Source,
  dir = '',
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await readSource(root, source, dir)).map((item) => {
    if (item.kind !== 'record') throw new Error(`not a record: ${JSON.stringify(item)}`);
    return item.fields;
  });
}

/** Line of each item. */
export async function readLinesOf(root: string, source: Source): Promise<readonly (number | null)[]> {
  return (await readSource(root, source)).map((item) => item.at.line);
}
