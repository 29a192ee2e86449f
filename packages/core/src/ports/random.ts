/** Luck, handed in. */
export interface Random {
  /** A UUID v4. */
  uuid(): string
  /** At least 0, less than 1. */
  float(): number
  bytes(size: number): Uint8Array
}
