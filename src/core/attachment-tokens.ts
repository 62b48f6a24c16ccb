/** A picture of a megapixel takes about 1,300 to 1,600 tokens; source: the vision page, «Resolution and token cost». */
export const IMAGE_TOKENS = 1_600;

/** Of a PDF that is named and not there to be looked at: ten pages, a guess. */
export const UNSEEN_PDF_TOKENS = 30_000;

/**
 * 3,000 tokens a page is the upper end of what a page's text takes; source: the PDF page, «Estimate your costs». Pages inside
 * compressed objects cannot be seen: then 50,000 bytes count as one.
 */
export function pdfTokens(bytes: Buffer): number {
  const pages =
    bytes.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? Math.ceil(bytes.length / 50_000);
  return 3_000 * pages;
}
