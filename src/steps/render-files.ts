import { InputError } from '../core/errors.ts';
import type { SourceItem, SourceRecord, TextReader } from '../core/record.ts';
import type { TemplateScope } from '../core/template.ts';
import type { GivenAnswers } from './given-answers.ts';
import type { PlacedItem } from './narrow-records.ts';
import { customIdOf, type ItemTexts, NO_TEXTS, NO_VARIABLES } from './render-item.ts';
import type { RenderPlan } from './render-plan.ts';
import { RecordProblem, type Variables } from './render-stage.ts';

/** Files read for records at the same time: enough to keep a disk busy, few enough for 32 MB each. */
export const READ_AT_ONCE = 16;

/** What is read for each record besides itself. */
export interface TextSources {
  readonly plan: RenderPlan;
  readonly texts: TextReader;
  readonly given: GivenAnswers | null;
}

/** Whether anything is. */
export function readsTexts({ plan, given }: Pick<TextSources, 'plan' | 'given'>): boolean {
  return plan.files.length > 0 || given !== null;
}

/** What files give for each of some items, all read at once; an error in the place of an item whose files cannot be read. */
export function readTextsOf(
  items: readonly PlacedItem[],
  sources: TextSources,
): Promise<(ItemTexts | Error)[]> {
  return Promise.all(
    items.map(async ({ item, position }) => {
      try {
        return await readTexts(item, position, sources);
      } catch (error) {
        // renderItem throws it again, in the order of the records.
        return error instanceof Error ? error : new Error(String(error));
      }
    }),
  );
}

async function readTexts(
  item: SourceItem,
  position: number,
  { plan, texts, given }: TextSources,
): Promise<ItemTexts> {
  if (item.kind !== 'record') return NO_TEXTS;
  const variables = plan.files.length === 0 ? NO_VARIABLES : await readFiles(item, plan, texts);
  if (given === null) return { variables, answers: null };
  const scope: TemplateScope = { fields: item.fields, variables };
  const { customId } = customIdOf(item, scope, plan, position);
  return { variables, answers: { uses: given.uses, byStage: await given.read(customId, scope) } };
}

/** The variables that `files:` gives for a record. Throws RecordProblem, TemplateError. */
export async function readFiles(
  item: Pick<SourceRecord, 'fields'>,
  plan: RenderPlan,
  texts: TextReader,
): Promise<Variables> {
  const variables: Variables = Object.create(null);
  const scope: TemplateScope = { fields: item.fields, variables: NO_VARIABLES };
  for (const [name, template] of plan.files) {
    if (name in item.fields)
      throw new RecordProblem(
        `files.${name}: the record has a column of that name; give the variable another one`,
      );
    const path = template.render(scope).trim();
    if (path === '') throw new RecordProblem(`files.${name}: the path is empty`);
    try {
      variables[name] = await texts.read(path);
    } catch (cause) {
      if (cause instanceof InputError) throw new RecordProblem(`files.${name}: ${cause.message}`, { cause });
      throw cause;
    }
  }
  return variables;
}
