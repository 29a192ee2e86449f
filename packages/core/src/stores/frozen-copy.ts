import { Secret } from '../domain/secret.ts'

const copy = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value
  if (Array.isArray(value)) return Object.freeze(value.map(copy))
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copy(part)])))
}

/** A copy of plain data that nobody can change. Secrets, which cannot be changed anyway, are kept as they are. */
export const frozenCopy = <T>(value: T): T => copy(value) as T
