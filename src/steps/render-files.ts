import { InputError } from '../core/errors.ts';
import type { SourceItem, SourceRecord, TextReader } from '../core/record.ts';
import type { TemplateScope } from '../core/template.ts';
import { isSelected, NO_VARIABLES, RecordProblem, type Variables } from './render-item.ts';
import type { RenderPlan } from './render-plan.ts';

/** Files read for records at the same time: enough to keep a disk busy, few enough for 32 MB each. */
export const READ_AT_ONCE = 16;

/**
 * The variables that `files:` gives for each of some records, all read at once; an error in the place of a record whose
 * files cannot be read. A record that `select` leaves out has none read.
 */
export function readFilesOf(
  items: readonly SourceItem[],
  plan: RenderPlan,
  texts: TextReader,
): Promise<(Variables | Error)[]> {
  return Promise.all(
    items.map(async (item) => {
      try {
        return item.kind === 'record' && isSelected(item, plan)
          ? await readFiles(item, plan, texts)
          : NO_VARIABLES;
      } catch (error) {
        // renderItem throws it again, in the order of the records.
        return error instanceof Error ? error : new Error(String(error));
      }
    }),
  );
}

async function readFiles(item: SourceRecord, plan: RenderPlan, texts: TextReader): Promise<Variables> {
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
