const MAX_INPUT = 40;

// Plain digits may take either decimal mark; once dots group thousands, only the comma is left for cents.
const AMOUNT = /^([-\u2212]?)\s*(?:r\$)?\s*([-\u2212]?)\s*(?:(\d+)(?:[.,](\d{1,2}))?|([1-9]\d{0,2}(?:\.\d{3})+)(?:,(\d{1,2}))?)\s*(?:reais|real)?$/i;

/**
 * Integer cents as Brazilians write them: `R$ 1.234,56`, `-R$ 1,00`, with an ordinary space.
 * Throws `RangeError` on fractions and beyond ±`Number.MAX_SAFE_INTEGER`: such a value was never an amount in cents.
 */
export function formatCents(cents: number): string {
  if (!Number.isSafeInteger(cents)) throw new RangeError(`Not an amount in integer cents: ${cents}`);
  const digits = String(Math.abs(cents)).padStart(3, '0');
  const reais = digits.slice(0, -2).replace(/\B(?=(?:\d{3})+$)/g, '.');
  return `${cents < 0 ? '-' : ''}R$ ${reais},${digits.slice(-2)}`;
}

/**
 * Reads one amount in reais (`R$ 60`, `60 reais`, `1.234,56`, `59,9`, `60.00`, `-R$ 1,00`) as integer cents.
 * A dot before exactly three digits groups thousands (`1.234` is R$ 1.234,00). `undefined` for anything else, for more
 * than two decimals and for what integer cents cannot hold exactly.
 */
export function parseCents(text: string): number | undefined {
  if (text.length > MAX_INPUT) return undefined;
  const match = AMOUNT.exec(text.trim());
  if (!match) return undefined;
  const [, outer = '', inner = '', plain, plainCents, grouped = '', groupedCents] = match;
  if (outer && inner) return undefined;
  const reais = plain ?? grouped.replaceAll('.', '');
  // Joined as text, so that no fraction of a real is ever a floating-point number.
  const cents = Number(reais + (plainCents ?? groupedCents ?? '').padEnd(2, '0'));
  if (!Number.isSafeInteger(cents)) return undefined;
  return cents !== 0 && (outer || inner) ? -cents : cents;
}
