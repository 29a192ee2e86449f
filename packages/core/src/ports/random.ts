/** A source of randomness. */
export interface Random {
  /** A UUID v4. */
  uuid(): string
  /** A number of at least 0 and less than 1. */
  float(): number
  /** Random bytes that are fit for keys. */
  bytes(size: number): Uint8Array
}
