import { UsageError } from '../core/errors.ts';
import { parseExact } from '../core/json-exact.ts';
import { compileTemplate, type Template, TemplateError } from '../core/template.ts';
import { ANSWER_FIELDS } from './export-columns.ts';
import { joined } from './export-json.ts';
import type { ExportRow } from './export-rows.ts';

/** @throws UsageError `template_syntax` */
export function compileExportTemplate(text: string, name: string): Template {
  try {
    return compileTemplate(text, name, { optionalColumns: true });
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause;
    throw new UsageError(`${name} is not a template that can be read`, {
      code: 'template_syntax',
      why: cause.message,
      next: 'mend it; docs/export.md says what it may name',
      cause,
    });
  }
}

/**
 * The template rendered for each row, one after the other and nothing between them.
 *
 * @throws UsageError `template_row` for the first row that it cannot be rendered for
 */
export async function* templateText(
  rows: AsyncIterable<ExportRow>,
  template: Template,
): AsyncGenerator<string> {
  let index = 0;
  yield* joined(rows, (row) => {
    index += 1;
    try {
      return template.render({ fields: fieldsOf(row.recordJson), variables: variablesOf(row, index) });
    } catch (cause) {
      if (!(cause instanceof TemplateError)) throw cause;
      throw new UsageError(`${template.name} cannot be rendered for ${row.customId}`, {
        code: 'template_row',
        why: cause.message,
        next: `a row without an answer has no json: {% if json %} … {% endif %}; see batchctl show for the row`,
        cause,
      });
    }
  });
}

function fieldsOf(recordJson: string): Readonly<Record<string, unknown>> {
  // The build wrote an object; it gets no prototype, so that a column may be called `constructor`.
  return Object.setPrototypeOf(parseExact(recordJson), null);
}

/** The answer's fields, each also as `answer_…`, which is its name in exports where a column of the data has the first. */
function variablesOf(row: ExportRow, index: number): Readonly<Record<string, unknown>> {
  // A row is an object, and this claims nothing of its values.
  const answer = parseExact(row.resultJson) as Readonly<Record<string, unknown>>;
  const variables: Record<string, unknown> = Object.create(null);
  const flat: Readonly<Record<string, unknown>> = {
    ...Object.fromEntries(ANSWER_FIELDS.map((name) => [name, null])),
    content: null,
    ...answer,
    ...objectIn(answer['usage']),
    error: objectIn(answer['error'])['message'] ?? null,
    index,
  };
  for (const [name, value] of Object.entries(flat)) {
    variables[name] = value;
    variables[`answer_${name}`] = value;
  }
  return variables;
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  // An object of unknown values claims nothing about them.
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
