/** What is wrong with a module that is to make outputs; null: nothing. */
export function exportProblem(exports: Readonly<Record<string, unknown>>): string | null {
  return typeof exports['default'] === 'function'
    ? null
    : 'its default export is not a function: export default ({ record, text, json }) => …';
}
