import { z } from 'zod';
import type { ModelFacts } from '../../core/model-facts.ts';
import { unknownModel } from '../../core/models.ts';

const support = z.looseObject({ supported: z.boolean() }).nullish().catch(null);
const tokens = z.number().int().positive().nullish().catch(null);
const text = z.string().nullish().catch(null);

/** Only what we rely on; a field of another form is one that we do not know. Source: SDK 1.11.0, src/resources/models.ts */
const modelShape = z.looseObject({
  id: z.string(),
  lifecycle: text,
  retires_at: text,
  max_input_tokens: tokens,
  max_tokens: tokens,
  capabilities: z
    .looseObject({
      batch: support,
      image_input: support,
      pdf_input: support,
      structured_outputs: support,
      effort: z.looseObject({ supported: z.boolean() }).nullish().catch(null),
      thinking: z
        .looseObject({ supported: z.boolean(), types: z.looseObject({}).nullish() })
        .nullish()
        .catch(null),
    })
    .nullish()
    .catch(null),
});

const LIFECYCLES = ['active', 'deprecated', 'retired'];

/** What the Models API says of a model; null in all that it does not say. @throws ZodError when it is no model. */
export function toModelFacts(value: unknown): ModelFacts {
  const { id, lifecycle, retires_at: retiresAt, capabilities, ...wire } = modelShape.parse(value);
  const { effort, thinking, ...can } = capabilities ?? {};
  return {
    ...unknownModel(id),
    contextTokens: wire.max_input_tokens ?? null,
    maxOutputTokens: wire.max_tokens ?? null,
    thinking: thinking?.types == null ? null : supportedIn(thinking.types),
    efforts: effort == null ? null : effort.supported ? supportedIn(effort) : [],
    hasStructuredOutputs: can.structured_outputs?.supported ?? null,
    takesImages: can.image_input?.supported ?? null,
    takesPdfs: can.pdf_input?.supported ?? null,
    takesBatches: can.batch?.supported ?? null,
    // A stage of life that we do not know says nothing.
    isRetired: LIFECYCLES.includes(lifecycle ?? '') ? lifecycle === 'retired' : null,
    retiresAt: retiresAt ?? null,
  };
}

/** The names whose value says `supported: true`. */
function supportedIn(list: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(list).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && Reflect.get(value, 'supported') === true ? [name] : [],
  );
}
