// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.lang.annotation.Annotation;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.support.CommandException;

/**
 * Options behind arguments, as in {@code cbt-map disk --json}. The shell itself takes options only
 * before the first argument and everything after it as arguments; here the options among those are
 * picked out, and the arguments that remain move up. Both places know the same forms: {@code --name
 * value}, {@code --name=value}, and {@code --}, behind which every word is an argument.
 */
final class TrailingOptions {
  /** Name of the argument that only makes room for options; it is empty afterwards. */
  static final String ROOM = "options";

  /** Behind it every word is an argument. */
  static final String END = "--";

  private final Object command;

  private TrailingOptions(Object command) {
    this.command = command;
  }

  /** Options were ended before the first argument where {@code ended}. */
  static void apply(Object command, boolean ended) throws CommandException {
    TrailingOptions options = new TrailingOptions(command);
    List<Field> arguments = options.fields(Argument.class);
    arguments.sort(Comparator.comparing(field -> field.getAnnotation(Argument.class).index()));
    List<String> words = options.words(arguments);
    if (!ended && words.stream().anyMatch(TrailingOptions::isOption)) {
      options.deal(arguments, options.pick(words));
    }
    options.checkRoom(arguments);
  }

  private static boolean isOption(String word) {
    return word.startsWith("--");
  }

  private List<String> words(List<Field> arguments) {
    List<String> words = new ArrayList<>();
    for (Field argument : arguments) {
      Object value = get(argument);
      if (value instanceof List<?> several) {
        several.forEach(each -> words.add(each.toString()));
      } else if (value != null) {
        words.add(value.toString());
      }
    }
    return words;
  }

  /** Sets the options; answers the words that are none. */
  private List<String> pick(List<String> words) throws CommandException {
    List<String> plain = new ArrayList<>();
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      if (word.equals(END)) {
        plain.addAll(words.subList(i + 1, words.size()));
        break;
      }
      if (!isOption(word)) {
        plain.add(word);
        continue;
      }
      int equals = word.indexOf('=');
      String name = equals < 0 ? word : word.substring(0, equals);
      Field option = option(name);
      if (equals >= 0) {
        set(option, converted(name, option.getType(), word.substring(equals + 1)));
      } else if (option.getType() == boolean.class) {
        set(option, true);
      } else if (i + 1 == words.size()) {
        throw refusal("option " + word + " refused: it needs a value");
      } else {
        set(option, converted(name, option.getType(), words.get(++i)));
      }
    }
    return plain;
  }

  private Field option(String name) throws CommandException {
    for (Field field : fields(Option.class)) {
      if (field.getAnnotation(Option.class).name().equals(name)) {
        return field;
      }
    }
    throw refusal("option " + name + " refused: no such option; see the command's --help");
  }

  private static Object converted(String name, Class<?> type, String word) throws CommandException {
    if (type == String.class) {
      return word;
    }
    if (type == boolean.class) {
      if (word.equals("true") || word.equals("false")) {
        return word.equals("true");
      }
      throw refusal("option " + name + "=" + word + " refused: allowed is true or false");
    }
    try {
      return Integer.valueOf(word);
    } catch (NumberFormatException e) {
      throw refusal("option " + name + " " + word + " refused: allowed is a whole number");
    }
  }

  private void deal(List<Field> arguments, List<String> words) throws CommandException {
    int next = 0;
    for (Field field : arguments) {
      boolean several = field.getType() == List.class;
      int end = several ? words.size() : Math.min(next + 1, words.size());
      Argument argument = field.getAnnotation(Argument.class);
      if (next == end && argument.required()) {
        throw refusal("argument " + argument.name() + " is required");
      }
      List<String> mine = new ArrayList<>(words.subList(next, end));
      set(field, several ? mine : mine.isEmpty() ? null : mine.get(0));
      next = end;
    }
  }

  private void checkRoom(List<Field> arguments) throws CommandException {
    for (Field field : arguments) {
      if (field.getAnnotation(Argument.class).name().equals(ROOM)
          && get(field) instanceof List<?> left
          && !left.isEmpty()) {
        throw refusal("argument " + left.get(0) + " refused: too many arguments");
      }
    }
  }

  private static CommandException refusal(String what) {
    String line = what + " [EINVAL]";
    return new CommandException(line, line);
  }

  private <A extends Annotation> List<Field> fields(Class<A> annotation) {
    List<Field> found = new ArrayList<>();
    for (Class<?> type = command.getClass(); type != Object.class; type = type.getSuperclass()) {
      for (Field field : type.getDeclaredFields()) {
        if (field.isAnnotationPresent(annotation)) {
          found.add(field);
        }
      }
    }
    return found;
  }

  private Object get(Field field) {
    try {
      return field.get(command);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("options and arguments are package-private here", e);
    }
  }

  private void set(Field field, Object value) {
    try {
      field.set(command, value);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("options and arguments are package-private here", e);
    }
  }
}
