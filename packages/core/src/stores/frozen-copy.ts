import { Secret } from '../domain/secret.ts'

const copy = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value
  if (Array.isArray(value)) return Object.freeze(value.map(copy))
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copy(part)])))
}

/** A deeply frozen copy of plain data. Secrets are immutable, so they are not copied. */
export const frozenCopy = <T>(value: T): T => copy(value) as T
