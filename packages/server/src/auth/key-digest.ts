import { createHash } from 'node:crypto'

/** SHA-256 of a key, in hexadecimal digits. */
export const digestOf = (key: string): string => createHash('sha256').update(key).digest('hex')
