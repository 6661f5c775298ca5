// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.apache.karaf.shell.support.table.ShellTable;

/**
 * The columns of one kind of thing, said once: a table's header is the JSON field's name with
 * spaces. Field names are a promise to programs; they are added to, never changed.
 *
 * @param <T> what a row shows
 */
public final class Listing<T> {
  private interface Value<T> {
    void write(JsonWriter json, T row) throws IOException;
  }

  private record Column<T>(String name, Function<T, String> cell, Value<T> value) {}

  private final List<Column<T>> columns = new ArrayList<>();

  /** A string; null is an empty cell and a JSON null. */
  public Listing<T> text(String name, Function<T, ?> of) {
    return add(
        name,
        row -> of.apply(row) == null ? "" : of.apply(row).toString(),
        (json, row) -> json.value(of.apply(row) == null ? null : of.apply(row).toString()));
  }

  public Listing<T> number(String name, ToLongFunction<T> of) {
    return add(
        name,
        row -> Long.toString(of.applyAsLong(row)),
        (json, row) -> json.value(of.applyAsLong(row)));
  }

  /** Bytes: a number for programs, a rounded size for people. */
  public Listing<T> bytes(String name, ToLongFunction<T> of) {
    return add(
        name,
        row -> Quantity.text(of.applyAsLong(row)),
        (json, row) -> json.value(of.applyAsLong(row)));
  }

  public Listing<T> flag(String name, Predicate<T> of) {
    return add(name, row -> of.test(row) ? "yes" : "no", (json, row) -> json.value(of.test(row)));
  }

  /** Several words: an array for programs, separated by commas for people. */
  public Listing<T> words(String name, Function<T, ? extends Collection<String>> of) {
    return add(
        name,
        row -> String.join(", ", of.apply(row)),
        (json, row) -> {
          json.beginArray();
          for (String word : of.apply(row)) {
            json.value(word);
          }
          json.endArray();
        });
  }

  /** Rows below each row: an array of objects for programs, nothing in a table. */
  public <U> Listing<T> rows(String name, Listing<U> listing, Function<T, List<U>> of) {
    return add(name, null, (json, row) -> listing.array(json, of.apply(row)));
  }

  /** The last column is for programs only. */
  public Listing<T> notInTable() {
    Column<T> last = columns.remove(columns.size() - 1);
    return add(last.name(), null, last.value());
  }

  private Listing<T> add(String name, Function<T, String> cell, Value<T> value) {
    columns.add(new Column<>(name, cell, value));
    return this;
  }

  /** One row a thing. */
  public void table(PrintStream out, List<T> rows, boolean format, String none) {
    ShellTable table = new ShellTable().emptyTableText(none);
    List<Column<T>> shown = shown();
    shown.forEach(column -> table.column(column.name().replace('_', ' ')));
    for (T row : rows) {
      table.addRow().addContent(shown.stream().map(c -> (Object) c.cell().apply(row)).toList());
    }
    table.print(out, format);
  }

  /** One row a column: for a single thing. */
  public void card(PrintStream out, T row, boolean format) {
    ShellTable table = new ShellTable();
    table.column("what");
    table.column("value");
    for (Column<T> column : shown()) {
      table.addRow().addContent(column.name().replace('_', ' '), column.cell().apply(row));
    }
    table.print(out, format);
  }

  private List<Column<T>> shown() {
    return columns.stream().filter(column -> column.cell() != null).toList();
  }

  public void jsonArray(PrintStream out, Iterable<T> rows) throws IOException {
    JsonWriter json = writer(out);
    array(json, rows);
    finish(json, out);
  }

  public void jsonObject(PrintStream out, T row) throws IOException {
    JsonWriter json = writer(out);
    object(json, row);
    finish(json, out);
  }

  private void array(JsonWriter json, Iterable<T> rows) throws IOException {
    json.beginArray();
    for (T row : rows) {
      object(json, row);
    }
    json.endArray();
  }

  private void object(JsonWriter json, T row) throws IOException {
    json.beginObject();
    for (Column<T> column : columns) {
      json.name(column.name());
      column.value().write(json, row);
    }
    json.endObject();
  }

  private static JsonWriter writer(PrintStream out) {
    JsonWriter json = new JsonWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8));
    json.setIndent("  ");
    json.setSerializeNulls(true);
    return json;
  }

  private static void finish(JsonWriter json, PrintStream out) throws IOException {
    json.flush();
    out.println();
    out.flush();
  }
}
