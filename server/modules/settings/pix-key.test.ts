import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePixKey, PIX_KEY_TYPES, type PixKeyType } from './pix-key.ts';

const good: [PixKeyType, string, string][] = [
  ['cpf', '529.982.247-25', '52998224725'],
  ['cpf', ' 52998224725 ', '52998224725'],
  ['cnpj', '11.222.333/0001-81', '11222333000181'],
  ['cnpj', '12.abc.345/01de-35', '12ABC34501DE35'],
  ['email', ' Pix@Caramelo.VET ', 'pix@caramelo.vet'],
  ['phone', '(11) 98765-4321', '+5511987654321'],
  ['phone', '11 8765-4321', '+5511987654321'],
  ['phone', '+55 11 98765-4321', '+5511987654321'],
  ['random', '123E4567-E12B-12D1-A456-426655440000', '123e4567-e12b-12d1-a456-426655440000'],
];

const bad: [PixKeyType, string][] = [
  ['cpf', '52998224726'],
  ['cpf', '11111111111'],
  ['cpf', '11222333000181'],
  ['cpf', ''],
  ['cnpj', '11222333000182'],
  ['cnpj', '52998224725'],
  ['email', 'pix@caramelo'],
  ['email', 'pix caramelo@x.com'],
  ['email', 'pix@caramelo.vet\nbcc: x@y.com'],
  ['email', `${'a'.repeat(66)}@caramelo.vet`],
  ['phone', '(11) 3456-7890'],
  ['phone', '98765-4321'],
  ['phone', '+1 415 555 2671'],
  ['phone', '52998224725x'],
  ['random', '123e4567e12b12d1a456426655440000'],
  ['random', '123e4567-e12b-12d1-a456-42665544000g'],
];

describe('parsePixKey', () => {
  test.each(good)('%s %s is %s', (type, raw, key) => {
    expect(parsePixKey(type, raw)).toEqual({ key });
    expect(parsePixKey(type, key)).toEqual({ key });
  });

  test.each(bad)('%s %s is none', (type, raw) => {
    expect(parsePixKey(type, raw)).toEqual({ fault: expect.stringMatching(/^must be/) });
  });

  test('whatever comes in, it answers, and reading its own answer changes nothing', () => {
    const raw = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\d.\-/() +]{8,20}$/), fc.emailAddress(), fc.uuid());
    fc.assert(
      fc.property(fc.constantFrom(...PIX_KEY_TYPES), raw, (type, given) => {
        const once = parsePixKey(type, given);
        if ('key' in once) expect(parsePixKey(type, once.key)).toEqual(once);
        else expect(once.fault).not.toContain(given.length > 3 ? given : '\0');
      }),
    );
  });
});
