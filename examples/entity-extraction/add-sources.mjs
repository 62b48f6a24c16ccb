// What becomes a file of extracted/: the answer, with the section that each entity and relation was found in, and a
// confidence where the answer leaves it open. Called once for each answer, with the answer and its record.

const DEFAULT_CONFIDENCE = 0.8;

export default function addSources({ model, json, record }) {
  const sourced = (item) => ({
    ...item,
    confidence: item.confidence ?? DEFAULT_CONFIDENCE,
    sources: [{ file: record.path, chunk: record.section_id }],
  });
  return {
    series: record.series_name,
    books: record.book_names,
    section: record.section_id,
    model,
    entities: json.entities.map(sourced),
    relations: json.relations.map(sourced),
  };
}
