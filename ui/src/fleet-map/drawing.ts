import type { PositionStore } from "../store/positions";
import type { VehicleColumns } from "./VehicleShapeLayer";

/** The columns as they are drawn, and which vehicle each row is. */
export interface Drawing {
  readonly columns: VehicleColumns;
  readonly ids: readonly string[];
}

/** Rows in the order in which they are drawn: what needs a look lies over what does not. */
export function drawOrder(styles: Float32Array): Int32Array {
  const count = styles.length / 4;
  const rank = (row: number) => {
    const selected = ((styles[4 * row + 2] ?? 0) & 2) !== 0;
    return (selected ? 100 : 0) + 4 * (styles[4 * row] ?? 0) + (styles[4 * row + 1] ?? 0);
  };
  const plain: number[] = [];
  const raised: number[] = [];
  for (let row = 0; row < count; row += 1) {
    (rank(row) === 0 ? plain : raised).push(row);
  }
  raised.sort((a, b) => rank(a) - rank(b));
  return Int32Array.from([...plain, ...raised]);
}

/** The fleet's columns in drawing order. They are copies: the store goes on changing while they are drawn. */
export function drawing(positions: PositionStore, styles: Float32Array): Drawing {
  const order = drawOrder(styles);
  return {
    ids: Array.from(order, (row) => positions.ids[row] ?? ""),
    columns: {
      length: order.length,
      attributes: {
        instanceFrom: { value: picked(positions.from, 2, order), size: 2 },
        instanceTo: { value: picked(positions.to, 2, order), size: 2 },
        instanceHeadings: { value: picked(positions.heading, 2, order), size: 2 },
        instanceSizes: { value: picked(positions.size, 2, order), size: 2 },
        instanceStyles: { value: picked(styles, 4, order), size: 4 },
      },
    },
  };
}

function picked(column: Float32Array, width: number, order: Int32Array): Float32Array {
  const result = new Float32Array(width * order.length);
  let at = 0;
  for (const row of order) {
    for (let i = 0; i < width; i += 1) {
      result[at] = column[width * row + i] ?? 0;
      at += 1;
    }
  }
  return result;
}
