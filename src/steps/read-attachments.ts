import { InputError } from '../core/errors.ts';
import type { AttachedBlock, AttachmentReader, OpenedAttachment } from '../core/ports/attachments.ts';
import type { SourceRecord } from '../core/record.ts';
import { MAX_REQUEST_BYTES } from '../core/request-lint.ts';
import type { TemplateScope } from '../core/template.ts';
import type { PlacedItem } from './narrow-records.ts';
import { type ItemTexts, NO_TEXTS, stageScope } from './render-item.ts';
import type { RenderPlan, StagePlan } from './render-plan.ts';
import { RecordProblem } from './render-stage.ts';

/** The blocks of each stage's attachments, in the order of the stages. */
export type AttachedToStages = readonly (readonly AttachedBlock[])[];

/** Bytes of files read ahead for the records of a window; the files of one record may be more. */
const READ_AHEAD_BYTES = 4_000_000;

/** Whether any stage sends files. */
export function readsAttachments({ stages }: RenderPlan): boolean {
  return stages.some(({ attach }) => attach.length > 0);
}

/**
 * The attachments of each of some records, in their order; an error in the place of a record whose files cannot be
 * sent. Nothing is read for a stage that waits for others: its files are looked for, so that one that is missing is heard
 * of before an earlier stage is paid.
 */
export async function* attachmentsOf(
  items: readonly PlacedItem[],
  texts: readonly (ItemTexts | Error)[] | null,
  plan: RenderPlan,
  reader: AttachmentReader,
): AsyncGenerator<AttachedToStages | Error, undefined> {
  const opened = await Promise.all(
    items.map(({ item }, index) =>
      settled(async () => {
        const own = texts?.[index] ?? NO_TEXTS;
        // What is wrong with its texts is said by renderItem.
        return item.kind === 'record' && !(own instanceof Error) ? openAll(item, own, plan, reader) : [];
      }),
    ),
  );
  for (let start = 0; start < opened.length; ) {
    let end = start;
    let bytes = 0;
    do bytes += bytesOf(opened[end++]);
    while (end < opened.length && bytes + bytesOf(opened[end]) <= READ_AHEAD_BYTES);
    const ahead = opened
      .slice(start, end)
      .map((one) => (one instanceof Error ? one : settled(() => readAll(one))));
    yield* await Promise.all(ahead);
    start = end;
  }
}

/** The attachments of one stage of one record, at once. Throws RecordProblem, TemplateError. */
export async function attachmentsOfStage(
  stage: StagePlan,
  scope: TemplateScope,
  reader: AttachmentReader,
): Promise<readonly AttachedBlock[]> {
  if (stage.attach.length === 0) return [];
  const [blocks] = await readAll([await openStage(stage, scope, reader, () => true)]);
  return blocks ?? [];
}

type Opened = OpenedAttachment & { readonly name: string };

/** What is to be read now: nothing for a stage that waits. */
async function openAll(
  item: SourceRecord,
  texts: ItemTexts,
  plan: RenderPlan,
  reader: AttachmentReader,
): Promise<readonly (readonly Opened[])[]> {
  const stages: (readonly Opened[])[] = [];
  for (const stage of plan.stages) {
    if (stage.attach.length === 0) {
      stages.push([]);
      continue;
    }
    const opened = await openStage(stage, stageScope(item, texts, stage), reader, (path) => !path.namesNeeds);
    stages.push(stage.needs.length === 0 ? opened : []);
  }
  return stages;
}

async function openStage(
  { attach }: StagePlan,
  scope: TemplateScope,
  reader: AttachmentReader,
  wants: (path: StagePlan['attach'][number]) => boolean,
): Promise<readonly Opened[]> {
  const opened = await Promise.all(
    attach.filter(wants).map(async ({ name, kind, path }): Promise<Opened> => {
      const rendered = path.render(scope).trim();
      if (rendered === '') throw new RecordProblem(`${name}: the path is empty`);
      const { bytes, read } = await named(name, () => reader.open(rendered, kind));
      return { name, bytes, read };
    }),
  );
  const bytes = opened.reduce((sum, one) => sum + one.bytes, 0);
  if (bytes <= MAX_REQUEST_BYTES) return opened;
  const [has, most] = [bytes, MAX_REQUEST_BYTES].map((amount) => amount.toLocaleString('en-US'));
  throw new RecordProblem(`attach: the files have ${has} bytes; the API takes at most ${most} in a request`);
}

function readAll(stages: readonly (readonly Opened[])[]): Promise<AttachedToStages> {
  return Promise.all(
    stages.map((files) => Promise.all(files.map((file) => named(file.name, () => file.read())))),
  );
}

async function named<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof InputError) throw new RecordProblem(`${name}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** The error in the place of the result: renderItem throws it again, in the order of the records. */
async function settled<T>(run: () => Promise<T>): Promise<T | Error> {
  try {
    return await run();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function bytesOf(opened: readonly (readonly Opened[])[] | Error | undefined): number {
  if (opened === undefined || opened instanceof Error) return 0;
  return opened.flat().reduce((sum, { bytes }) => sum + bytes, 0);
}
