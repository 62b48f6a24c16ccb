/**
 * The columns of one line of records.jsonl, null-prototype. Numbers that a double cannot hold are not exact, as in
 * templates of the first stage.
 */
export function parseRecordLine(line: string): Readonly<Record<string, unknown>> {
  // The build wrote `{"custom_id":…,"record":{…}}`.
  const { record } = JSON.parse(line) as { record: Record<string, unknown> };
  return Object.assign(Object.create(null) as Record<string, unknown>, record);
}
