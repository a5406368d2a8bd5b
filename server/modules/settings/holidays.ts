import { getHolidays } from '@brazilian-utils/brazilian-utils/get-holidays';

/** A holiday known in the whole country. `optional` ones close the clinic only when its settings name their id. */
export interface Holiday {
  /** `YYYY-MM-DD` */
  date: string;
  /** In Brazilian Portuguese. */
  name: string;
  kind: 'national' | 'optional';
  id: string;
}

const IDS: Record<string, string> = {
  'Ano novo': 'new_year',
  'Carnaval (terça-feira)': 'carnaval',
  'Sexta-feira Santa': 'good_friday',
  Páscoa: 'easter',
  Tiradentes: 'tiradentes',
  'Dia do trabalhador': 'labour_day',
  'Corpus Christi': 'corpus_christi',
  'Independência do Brasil': 'independence',
  'Nossa Senhora Aparecida': 'aparecida',
  Finados: 'all_souls',
  'Proclamação da República': 'republic',
  'Dia da Consciência Negra': 'black_consciousness',
  Natal: 'christmas',
};

/**
 * The year's holidays in order: ten national ones (nine before 2024, when 20 November was not yet one), and Carnaval, Easter and
 * Corpus Christi as optional. Local ones are the clinic's own closed days. None outside 1900 to 2099.
 */
export function holidaysOf(year: number): Holiday[] {
  return getHolidays(year).map(({ date, name, type }) => ({
    date: localDate(date),
    name,
    kind: type === 'national' ? 'national' : 'optional',
    // A holiday that a later law and library add is closed by default too, before we have given it an id.
    id: IDS[name] ?? name,
  }));
}

/** The library answers midnights of the machine's own zone, whatever that is. */
function localDate(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
