/**
 * A parsed JSON object as the columns of a record, or null for any other value. The object itself loses its
 * prototype, so that `constructor` or `__proto__` are columns like others; nothing is copied.
 */
export function toFields(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  // JSON.parse made it and nobody else holds it.
  return Object.setPrototypeOf(value, null);
}
