import { createContext, useContext } from "react";
import type { Me } from "../gen/operator";

/** Who is signed in. */
export const OperatorContext = createContext<Me | null>(null);

/** Who is signed in; only below the gate that makes sure of it. */
export function useOperator(): Me {
  const operator = useContext(OperatorContext);
  if (operator === null) {
    throw new Error("useOperator outside of the signed-in console");
  }
  return operator;
}
