import type { JsonSchema, SchemaReference } from '../stage.ts';

/** Reads the JSON Schema that a job names: a JSON file, or what a module exports. */
export interface SchemaReader {
  /** @throws UsageError `schema_file` when it cannot be read or is no JSON Schema. */
  read(reference: SchemaReference & { readonly kind: 'file' | 'module' }): Promise<JsonSchema>;
}
