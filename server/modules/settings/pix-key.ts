/** PIX keys in the canonical form of the central bank's directory. Pure. */
import { isValidCnpj, isValidCpf } from '@brazilian-utils/brazilian-utils';
import { parsePhone } from '#platform/phone';

export const PIX_KEY_TYPES = ['cpf', 'cnpj', 'email', 'phone', 'random'] as const;
export type PixKeyType = (typeof PIX_KEY_TYPES)[number];

interface Rule {
  read: (raw: string) => string;
  accepts: (key: string) => boolean;
  message: string;
}

const withoutMask = (raw: string) => raw.replace(/[.\-/\s]/g, '').toUpperCase();

const RULES: Record<PixKeyType, Rule> = {
  cpf: { read: withoutMask, accepts: (key) => isValidCpf(key), message: 'must be a valid CPF' },
  cnpj: { read: withoutMask, accepts: (key) => isValidCnpj(key, { version: 2 }), message: 'must be a valid CNPJ' },
  email: {
    read: (raw) => raw.trim().toLowerCase(),
    accepts: (key) => key.length <= 77 && /^[a-z0-9.!#$&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(key),
    message: 'must be an e-mail address of at most 77 characters',
  },
  // The directory registers mobile phones only.
  phone: { read: (raw) => parsePhone(raw) ?? '', accepts: (key) => /^\+55\d\d9\d{8}$/.test(key), message: 'must be a Brazilian mobile phone with area code' },
  random: {
    read: (raw) => raw.trim().toLowerCase(),
    accepts: (key) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(key),
    message: 'must be a random key such as 123e4567-e12b-42d1-a456-426655440000',
  },
};

/** The canonical key (`+5511987654321`, bare digits, lower case), or why it is none of that type. Reading a canonical key changes nothing. */
export function parsePixKey(type: PixKeyType, raw: string): { key: string } | { fault: string } {
  const { read, accepts, message } = RULES[type];
  const key = read(raw);
  return accepts(key) ? { key } : { fault: `${message}, as key_type says` };
}
