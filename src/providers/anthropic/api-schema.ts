import { transformJSONSchema } from '@anthropic-ai/sdk/lib/transform-json-schema';
import { SchemaError } from '../../core/schema-error.ts';
import type { JsonSchema } from '../../core/stage.ts';
import { type Node, plainSchema } from './plain-schema.ts';
import { refuseLoops } from './schema-refs.ts';

/**
 * The part of a JSON Schema that the API takes as `output_config.format`; what it leaves out stands in descriptions, and
 * is checked on arrival. The SDK makes the subset; what it would change so that no answer fits any more, or would leave
 * for the API to refuse in every row, is refused here.
 * Source: platform.claude.com/docs/en/build-with-claude/structured-outputs; @anthropic-ai/sdk 1.11.0,
 * src/lib/transform-json-schema.ts.
 *
 * @throws SchemaError with the place.
 */
export function toApiSchema(schema: JsonSchema): unknown {
  if (typeof schema === 'boolean') throw new SchemaError('#', 'it says nothing about the answer');
  const plain = plainSchema(schema);
  const subset = transform(plain);
  refuseLoops(subset);
  return subset;
}

function transform(plain: Node): Node {
  try {
    // It copies before it changes.
    return { ...transformJSONSchema({ ...plain }) };
  } catch (cause) {
    throw new SchemaError('#', cause instanceof Error ? cause.message : 'it cannot be sent');
  }
}
